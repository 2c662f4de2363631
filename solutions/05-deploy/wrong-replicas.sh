# diagnosis: service-replicas
docker service create --detach --name myapp myusername/myapp:v1.0.0
