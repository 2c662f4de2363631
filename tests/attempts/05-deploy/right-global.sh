# expect: all passed
# one on each of three nodes: three run
ready
create --name myapp --mode global myusername/myapp:v1.0.0
