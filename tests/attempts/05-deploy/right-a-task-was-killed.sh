# expect: all passed
# the Swarm makes a new one
ready
create --name myapp --replicas 3 myusername/myapp:v1.0.0
wait_for running replicas myapp 3/3
docker kill $(docker ps -q --filter label=com.docker.swarm.service.name=myapp)
killed() { docker service ps myapp --format "{{.CurrentState}}" | grep -q Failed; }
wait_for killed killed
wait_for again replicas myapp 3/3
