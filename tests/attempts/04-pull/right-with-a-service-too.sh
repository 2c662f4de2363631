# expect: all passed
ready
create --name myapp --replicas 3 myusername/myapp:v1.0.0
wait_for running replicas myapp 3/3
docker pull myusername/myapp:v1.0.0
