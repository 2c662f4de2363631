# expect: tagged=tag-other-registry same_image=blocked
docker tag myapp:latest localhost:5000/myapp:v1.0.0
