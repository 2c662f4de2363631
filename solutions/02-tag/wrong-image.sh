# expect: tagged=passed same-image=tag-other-image
docker pull busybox
docker tag busybox:latest myusername/myapp:v1.0.0
