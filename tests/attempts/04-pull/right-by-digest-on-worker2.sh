# expect: all passed
ready
docker --context worker2 pull $(docker image inspect myusername/myapp:v1.0.0 --format '{{index .RepoDigests 0}}')
