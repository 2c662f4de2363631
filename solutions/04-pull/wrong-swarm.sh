# diagnosis: pull-by-swarm
docker service create --detach --name other --replicas 3 myusername/myapp:v1.0.0
for try in $(seq 100); do [ "$(docker service ls --filter name=other --format "{{.Replicas}}")" = 3/3 ] && break; sleep 0.2; done
