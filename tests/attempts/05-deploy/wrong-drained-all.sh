# expect: service=passed image=passed replicas=passed running=task-no-node
ready
for one in workstation worker1 worker2; do docker node update --availability drain $one; done
create --name myapp --replicas 3 myusername/myapp:v1.0.0
wait_for pending task_says myapp 'no suitable node'
