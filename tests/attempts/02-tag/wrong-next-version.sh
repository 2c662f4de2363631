# expect: tagged=tag-other-version same_image=blocked
docker tag myapp:latest myusername/myapp:v1.0.1
