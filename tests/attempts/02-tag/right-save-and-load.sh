# expect: all passed
tag
docker image save myusername/myapp:v1.0.0 -o image.tar
docker image rm myusername/myapp:v1.0.0
docker image load -i image.tar
