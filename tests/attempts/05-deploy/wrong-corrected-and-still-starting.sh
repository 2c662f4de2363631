# expect: service=passed image=passed replicas=passed running=converging
# an image that nobody has, then the right one, which is still starting
ready
create --no-resolve-image --name myapp --replicas 3 --update-parallelism 0 --health-cmd false --health-interval 300s --health-start-period 300s myusername/myapp:v9
wait_for missing task_says myapp 'no such image'
docker service update --detach --image myusername/myapp:v1.0.0 myapp
wait_for starting task_says myapp starting
