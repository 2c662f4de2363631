# expect: all passed
# an image that nobody has, then the right one
ready
create --no-resolve-image --name myapp --replicas 3 myusername/myapp:v9
wait_for missing task_says myapp 'no such image'
docker service update --detach --image myusername/myapp:v1.0.0 myapp
wait_for running replicas myapp 3/3
