# expect: all passed
ready
docker image rm myusername/myapp:v1.0.0 myapp:latest
docker pull myusername/myapp:v1.0.0
