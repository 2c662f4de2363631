# expect: tagged=tag-other-namespace same_image=blocked
docker tag myapp:latest colleague/myapp:v1.0.0
