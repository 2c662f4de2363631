# expect: service=passed image=passed replicas=passed running=task-no-node
ready
create --name myapp --replicas 3 --constraint node.labels.disk==ssd myusername/myapp:v1.0.0
wait_for pending task_says myapp 'no suitable node'
