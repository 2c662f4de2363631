# expect: tagged=tag-other-registry same-image=blocked
docker tag myapp:latest ghcr.io/myusername/myapp:v1.0.0
