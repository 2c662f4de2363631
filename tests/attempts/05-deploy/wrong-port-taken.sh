# expect: service=passed image=passed replicas=passed running=task-no-node
# one port on one machine, for three tasks
ready
create --name myapp --replicas 3 --constraint node.role==manager --publish mode=host,target=8080,published=8089 myusername/myapp:v1.0.0
wait_for pending task_says myapp 'no suitable node'
