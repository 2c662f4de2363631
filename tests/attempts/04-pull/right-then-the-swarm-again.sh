# expect: all passed
# pulled, removed, and fetched once more by the Swarm: it was pulled
ready
docker --context worker1 pull myusername/myapp:v1.0.0
docker --context worker1 image rm myusername/myapp:v1.0.0
create --name later --mode global myusername/myapp:v1.0.0
wait_for running replicas later 3/3
