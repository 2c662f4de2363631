# expect: tagged=tag-other-version same_image=blocked
docker tag myapp:latest myusername/myapp:V1.0.0
