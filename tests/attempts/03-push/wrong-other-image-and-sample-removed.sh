# expect: in-hub=passed same-image=passed is-sample=push-other-image
login
docker pull busybox
docker tag busybox myusername/myapp:v1.0.0
push
docker image rm myapp:latest
