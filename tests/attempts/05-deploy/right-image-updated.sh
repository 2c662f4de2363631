# expect: all passed
ready
create --name myapp --replicas 3 busybox sleep 1000
docker service update --detach --args '' --image myusername/myapp:v1.0.0 myapp
wait_for updated updated myapp completed
