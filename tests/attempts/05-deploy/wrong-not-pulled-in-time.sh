# expect: service=passed image=passed replicas=passed running=task-image-missing
# created before the push, and told not to try again
login
tag
create --restart-condition none --name myapp --replicas 3 myusername/myapp:v1.0.0
wait_for missing task_says myapp 'no such image'
push
