# expect: all passed
# pushed again after the first pull, and pulled again
ready
docker --context worker1 pull myusername/myapp:v1.0.0
changed myusername/myapp:v1.0.0
push
docker --context worker2 pull myusername/myapp:v1.0.0
