# expect: accepted=passed kept=login-lost
login
docker logout
