# expect: service=passed image=passed replicas=passed running=task-no-node
ready
docker node update --availability drain worker1
create --name myapp --replicas 3 --replicas-max-per-node 1 myusername/myapp:v1.0.0
wait_for pending task_says myapp 'no suitable node'
