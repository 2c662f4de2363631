# expect: all passed
# the colleague signs in on another machine
login
on worker1 <<'END'
docker login -u colleague -p theirpassword
END
