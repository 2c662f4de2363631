# expect: all passed
# first another image, then the right one
docker pull busybox
docker tag busybox myusername/myapp:v1.0.0
tag
