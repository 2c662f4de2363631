# expect: pulled=passed present=pull-removed
ready
docker pull myusername/myapp:v1.0.0
docker image rm myusername/myapp:v1.0.0 myapp:latest
