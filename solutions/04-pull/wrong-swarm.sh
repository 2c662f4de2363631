# expect: pulled=pull-by-swarm present=blocked
ready
create --name myapp --replicas 3 myusername/myapp:v1.0.0
wait_for running replicas myapp 3/3
