# expect: all passed
on worker1 <<'END'
docker login -u myusername -p mypassword
END
