# expect: all passed
docker login -u colleague -p theirpassword
login
