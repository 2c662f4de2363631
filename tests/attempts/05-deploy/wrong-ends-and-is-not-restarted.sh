# expect: service=passed image=passed replicas=passed running=task-crashing
ready
create --name myapp --replicas 3 --restart-condition none myusername/myapp:v1.0.0 true
wait_for complete task_says myapp complete
