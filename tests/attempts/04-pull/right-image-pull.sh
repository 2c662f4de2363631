# expect: all passed
ready
docker image pull myusername/myapp:v1.0.0
