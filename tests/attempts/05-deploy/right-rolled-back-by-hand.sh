# expect: all passed
ready
create --name myapp --replicas 3 myusername/myapp:v1.0.0
wait_for running replicas myapp 3/3
changed myusername/myapp:v1.1.0
docker push myusername/myapp:v1.1.0
docker service update --detach --image myusername/myapp:v1.1.0 --update-delay 0s myapp
wait_for updated updated myapp completed
docker service rollback --detach myapp
wait_for 'rolled back' updated myapp rollback_completed
wait_for 'three again' replicas myapp 3/3
