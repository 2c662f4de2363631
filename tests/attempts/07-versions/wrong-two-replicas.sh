# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=passed by_digest=service-replicas refused=passed quiz=passed
out
back
roll --image "$(digest v1.1.0)"
docker service scale --detach myapp=2
wait_for two replicas myapp 2/2
moves latest
held
answers07
