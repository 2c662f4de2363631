# expect: all passed
ready
create --name myapp --replicas 5 myusername/myapp:v1.0.0
wait_for five replicas myapp 5/5
docker service scale --detach myapp=3
