# expect: tagged=tag-other-registry same-image=blocked
docker tag myapp:latest registry.lab:5000/myusername/myapp:v1.0.0
