# expect: all passed
# from a Compose file; Docker puts the stack's name before the service's
ready
cat > compose.yml <<'END'
services:
  myapp:
    image: myusername/myapp:v1.0.0
    deploy: {replicas: 3}
END
docker stack deploy --detach -c compose.yml course
