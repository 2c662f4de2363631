# expect: all passed
ready
create --name myapp myusername/myapp:v1.0.0
docker service update --detach --replicas 3 myapp
