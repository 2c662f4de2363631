# expect: service=passed image=passed replicas=passed running=task-crashing
ready
create --name myapp --replicas 3 myusername/myapp:v1.0.0 sh -c 'exit 3'
wait_for failed task_says myapp 'non-zero exit'
