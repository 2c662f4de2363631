# expect: all passed
ready
create --name myapp --replicas 3 --health-cmd true --health-interval 1s myusername/myapp:v1.0.0
wait_for running replicas myapp 3/3
