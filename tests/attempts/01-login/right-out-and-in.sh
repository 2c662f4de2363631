# expect: all passed
login
docker logout
login
