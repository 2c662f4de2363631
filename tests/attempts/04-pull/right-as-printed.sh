# expect: all passed
ready
docker pull myusername/myapp:v1.0.0
