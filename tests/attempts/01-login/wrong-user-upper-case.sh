# expect: accepted=login-unknown-user kept=blocked
docker login -u MyUsername -p mypassword
