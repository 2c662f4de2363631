# expect: all passed
docker tag myapp:latest myapp:v1.0.0
docker tag myapp:v1.0.0 myusername/myapp:v1.0.0
