# expect: all passed
ready
create --name myapp myusername/myapp:v1.0.0
docker service rm myapp
create --name myapp --replicas 3 myusername/myapp:v1.0.0
