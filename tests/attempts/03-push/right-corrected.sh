# expect: all passed
# another image first, then the right one
login
docker pull busybox
docker tag busybox myusername/myapp:v1.0.0
push
tag
push
