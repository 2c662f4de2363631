# expect: all passed
docker tag myapp myusername/myapp:v1.0.0
