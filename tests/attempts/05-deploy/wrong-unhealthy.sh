# expect: service=passed image=passed replicas=passed running=task-unhealthy
# the app runs, and its health check fails
ready
create --name myapp --replicas 3 --restart-delay 1s --health-cmd false --health-interval 1s --health-retries 1 myusername/myapp:v1.0.0
wait_for "the first end" task_says myapp complete
