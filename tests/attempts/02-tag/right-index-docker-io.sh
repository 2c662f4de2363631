# expect: all passed
docker tag myapp:latest index.docker.io/myusername/myapp:v1.0.0
