# expect: service=passed image=passed replicas=passed running=task-no-node
ready
for one in worker1 worker2; do docker --context $one swarm leave; done
wait_for down sh -c 'docker node ls --format {{.Status}} | grep -c Down | grep -q 2'
create --name myapp --replicas 3 --replicas-max-per-node 1 myusername/myapp:v1.0.0
wait_for pending task_says myapp 'no suitable node'
