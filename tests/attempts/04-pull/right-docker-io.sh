# expect: all passed
ready
docker pull docker.io/myusername/myapp:v1.0.0
