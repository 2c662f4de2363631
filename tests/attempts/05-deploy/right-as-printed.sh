# expect: all passed
ready
docker service create --name myapp --replicas 3 myusername/myapp:v1.0.0
