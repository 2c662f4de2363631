# expect: all passed
docker tag myapp:latest docker.io/myusername/myapp:v1.0.0
