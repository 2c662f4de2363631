# diagnosis: service-other-name
docker service create --detach --name app --replicas 3 myusername/myapp:v1.0.0
