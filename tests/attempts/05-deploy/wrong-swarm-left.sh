# expect: service=swarm-left image=blocked replicas=blocked running=blocked
ready
create --name myapp --replicas 3 myusername/myapp:v1.0.0
wait_for running replicas myapp 3/3
docker swarm leave --force
