# expect: all passed
# the older form of docker service rollback
ready
create --name myapp --replicas 3 myusername/myapp:v1.0.0
wait_for running replicas myapp 3/3
docker service update --detach --env-add A=1 myapp
wait_for updated updated myapp completed
docker service update --detach --rollback myapp
wait_for 'rolled back' updated myapp rollback_completed
wait_for 'three again' replicas myapp 3/3
