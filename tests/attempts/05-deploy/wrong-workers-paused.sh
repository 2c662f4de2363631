# expect: service=passed image=passed replicas=passed running=task-no-node
ready
for one in worker1 worker2; do docker node update --availability pause $one; done
create --name myapp --replicas 3 --constraint node.role==worker myusername/myapp:v1.0.0
wait_for pending task_says myapp 'no suitable node'
