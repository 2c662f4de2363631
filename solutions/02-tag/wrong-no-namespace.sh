# expect: tagged=tag-no-namespace same_image=blocked
docker tag myapp:latest myapp:v1.0.0
