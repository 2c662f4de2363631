# expect: all passed
ready
create --no-resolve-image --name myapp --replicas 3 myusername/myapp:v1.0.0
