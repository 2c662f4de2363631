# expect: service=passed image=passed replicas=passed running=converging
# a health check that has not answered yet: not right yet, and not wrong
ready
create --name myapp --replicas 3 --health-cmd false --health-interval 300s --health-start-period 300s myusername/myapp:v1.0.0
wait_for starting task_says myapp starting
