# expect: all passed
# first nothing to pull, then pushed: the Swarm tries again by itself
login
tag
create --name myapp --replicas 3 myusername/myapp:v1.0.0
wait_for missing task_says myapp 'no such image'
push
wait_for running replicas myapp 3/3
