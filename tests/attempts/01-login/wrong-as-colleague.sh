# expect: accepted=login-other-account kept=blocked
# another user of the lab
docker login -u colleague -p theirpassword
