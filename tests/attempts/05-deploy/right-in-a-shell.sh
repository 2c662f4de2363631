# expect: all passed
ready
on workstation <<'END'
docker service create --detach --name myapp --replicas 3 myusername/myapp:v1.0.0
END
