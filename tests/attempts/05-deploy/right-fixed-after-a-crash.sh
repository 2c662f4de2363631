# expect: all passed
ready
create --name myapp --replicas 3 --restart-delay 1s myusername/myapp:v1.0.0 false
wait_for failed task_says myapp 'non-zero exit'
docker service update --detach --args '' myapp
wait_for running replicas myapp 3/3
