# expect: all passed
ready
create --name myapp --replicas 3 myusername/myapp:v1.0.0
wait_for running replicas myapp 3/3
docker service update --detach --update-failure-action rollback --update-monitor 5s --args 'sh -c "exit 1"' myapp
wait_for 'rolled back' updated myapp rollback_completed
wait_for 'three again' replicas myapp 3/3
