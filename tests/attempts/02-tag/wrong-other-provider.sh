# expect: tagged=tag-other-registry same_image=blocked
docker tag myapp:latest ghcr.io/myusername/myapp:v1.0.0
