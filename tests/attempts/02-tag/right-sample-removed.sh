# expect: all passed
# the old name taken away afterwards
tag
docker image rm myapp:latest
