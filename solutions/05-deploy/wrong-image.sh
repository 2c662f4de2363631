# diagnosis: service-other-image
docker service create --detach --name myapp --replicas 3 busybox sleep 1000
