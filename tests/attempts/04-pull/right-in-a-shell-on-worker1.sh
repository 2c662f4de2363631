# expect: all passed
ready
on worker1 <<'END'
docker pull myusername/myapp:v1.0.0
END
