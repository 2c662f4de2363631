# expect: all passed
ready
create --name myapp --replicas 3 $(docker image inspect myusername/myapp:v1.0.0 --format '{{index .RepoDigests 0}}')
