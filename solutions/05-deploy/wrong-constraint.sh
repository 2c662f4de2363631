# diagnosis: task-no-node
docker service create --detach --name myapp --replicas 3 --constraint node.labels.disk==ssd myusername/myapp:v1.0.0
