# expect: all passed
ready
create --name myapp --replicas 3 docker.io/myusername/myapp:v1.0.0
