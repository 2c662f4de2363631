docker service inspect myapp >/dev/null 2>&1 || docker service create --detach --name myapp --replicas 3 myusername/myapp:v1.0.0
