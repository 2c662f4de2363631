# expect: accepted=login-unknown-user kept=blocked
docker login -u mypassword -p myusername
