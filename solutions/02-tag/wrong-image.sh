# expect: tagged=passed same_image=tag-other-image
docker pull busybox
docker tag busybox:latest myusername/myapp:v1.0.0
