# expect: all passed
ready
create --name myapp --replicas 3 --constraint node.role==worker myusername/myapp:v1.0.0
