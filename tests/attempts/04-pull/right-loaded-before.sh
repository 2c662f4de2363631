# expect: all passed
# all that is fetched is the manifest
ready
docker image save myusername/myapp:v1.0.0 | docker --context worker1 image load
docker --context worker1 pull myusername/myapp:v1.0.0
