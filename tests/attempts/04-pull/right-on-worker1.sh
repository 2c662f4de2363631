# expect: all passed
ready
docker --context worker1 pull myusername/myapp:v1.0.0
