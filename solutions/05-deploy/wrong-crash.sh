# diagnosis: task-crashing
docker service create --detach --name myapp --replicas 3 myusername/myapp:v1.0.0 sh -c 'exit 3'
