# expect: tagged=tag-other-registry same_image=blocked
docker tag myapp:latest registry.lab:5000/myusername/myapp:v1.0.0
