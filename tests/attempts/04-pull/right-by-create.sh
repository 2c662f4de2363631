# expect: all passed
ready
docker --context worker2 create --name one myusername/myapp:v1.0.0
