# expect: service=passed image=passed replicas=passed running=task-failed
ready
create --name myapp --replicas 3 --mount type=bind,source=/nowhere,target=/x myusername/myapp:v1.0.0
wait_for rejected task_says myapp 'invalid mount'
