# expect: in_hub=passed same_image=passed is_sample=push-other-image
login
docker pull busybox
docker tag busybox myusername/myapp:v1.0.0
push
