# expect: pulled=passed present=pull-outdated
# worker1 pulled yesterday's image, and has today's because the Swarm fetched it
ready
docker --context worker1 pull myusername/myapp:v1.0.0
changed myusername/myapp:v1.0.0
push
create --name later --mode global myusername/myapp:v1.0.0
wait_for running replicas later 3/3
