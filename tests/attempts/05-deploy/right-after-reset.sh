# expect: all passed
ready
create --name myapp --replicas 3 myusername/myapp:v1.0.0
labkit reset 05-deploy
create --name myapp --replicas 3 myusername/myapp:v1.0.0
