# expect: accepted=login-unknown-user kept=blocked
docker login -u myusername@example.com -p mypassword
