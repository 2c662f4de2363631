# expect: all passed
# the older form of docker service rollback
out
docker service update --detach --rollback myapp
wait_for 'rolled back' updated myapp rollback_completed
roll --image "$(digest v1.1.0)"
moves latest
held
answers07
