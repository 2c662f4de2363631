# expect: accepted=passed kept=login-other-account
# the next push would be the colleague's
login
docker login -u colleague -p theirpassword
