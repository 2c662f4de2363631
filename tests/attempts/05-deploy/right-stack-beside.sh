# expect: all passed
# a stack with a service of that name and one replica, beside the service that was asked for
ready
cat > compose.yml <<'END'
services:
  myapp:
    image: myusername/myapp:v1.0.0
END
docker stack deploy --detach -c compose.yml course
create --name myapp --replicas 3 myusername/myapp:v1.0.0
