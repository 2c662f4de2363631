# expect: service=passed image=passed replicas=passed running=task-node-down
# a machine is taken out, and the service was told not to start its tasks elsewhere
ready
create --restart-condition none --name myapp --replicas 3 myusername/myapp:v1.0.0
wait_for running replicas myapp 3/3
docker node update --availability drain worker2
wait_for fewer replicas myapp 2/3
