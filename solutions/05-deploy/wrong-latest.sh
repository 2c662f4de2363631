# diagnosis: service-latest
docker tag myapp:latest myusername/myapp:latest
docker push myusername/myapp:latest
docker service create --detach --name myapp --replicas 3 myusername/myapp
