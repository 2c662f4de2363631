# diagnosis: build-base-only
docker pull busybox
docker tag busybox myusername/webapp:v1.0.0
