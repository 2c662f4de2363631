# expect: all passed
docker tag myapp:latest myusername/myapp:v1.0.0
