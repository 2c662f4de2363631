# expect: all passed
ready
docker image rm myapp:latest
