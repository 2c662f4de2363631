# expect: service=service-other-name image=blocked replicas=blocked running=blocked
ready
cat > compose.yml <<'END'
services:
  web:
    image: myusername/myapp:v1.0.0
    deploy: {replicas: 3}
END
docker stack deploy --detach -c compose.yml course
