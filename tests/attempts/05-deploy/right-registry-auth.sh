# expect: all passed
ready
create --with-registry-auth --name myapp --replicas 3 myusername/myapp:v1.0.0
