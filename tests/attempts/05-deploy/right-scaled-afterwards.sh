# expect: all passed
ready
create --name myapp myusername/myapp:v1.0.0
docker service scale --detach myapp=3
