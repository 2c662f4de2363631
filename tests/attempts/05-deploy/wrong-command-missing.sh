# expect: service=passed image=passed replicas=passed running=task-failed
ready
create --name myapp --replicas 3 myusername/myapp:v1.0.0 no-such-command
wait_for failed task_says myapp 'not found'
