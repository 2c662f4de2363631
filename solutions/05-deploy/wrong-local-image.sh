# diagnosis: service-local-image
docker service create --detach --name myapp --replicas 3 myapp:latest
