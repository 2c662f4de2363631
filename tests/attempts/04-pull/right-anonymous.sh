# expect: all passed
ready
docker logout
docker pull myusername/myapp:v1.0.0
