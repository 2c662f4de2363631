# expect: all passed
docker image tag myapp:latest myusername/myapp:v1.0.0
