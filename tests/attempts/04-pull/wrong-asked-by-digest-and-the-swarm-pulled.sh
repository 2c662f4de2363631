# expect: pulled=pull-only-asked present=blocked
ready
digest=$(docker image inspect myusername/myapp:v1.0.0 --format '{{index .RepoDigests 0}}')
asks worker1 myusername/myapp "${digest#*@}"
create --name later --mode global myusername/myapp:v1.0.0
wait_for running replicas later 3/3
