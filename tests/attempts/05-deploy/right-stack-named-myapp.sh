# expect: all passed
# the stack has the name that was asked for, the service another
ready
cat > compose.yml <<'END'
services:
  web:
    image: myusername/myapp:v1.0.0
    deploy: {replicas: 3}
END
docker stack deploy --detach -c compose.yml myapp
