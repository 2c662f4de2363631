# expect: all passed
# another user of the lab
docker login -u colleague -p theirpassword
