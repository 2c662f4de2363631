# expect: accepted=login-unknown-user kept=blocked
docker login -u myusrname -p mypassword
