# expect: all passed
ready
create --name other busybox sleep 1000
create --name myapp --replicas 3 myusername/myapp:v1.0.0
