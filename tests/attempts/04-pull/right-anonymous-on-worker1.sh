# expect: all passed
ready
docker logout
docker --context worker1 pull myusername/myapp:v1.0.0
