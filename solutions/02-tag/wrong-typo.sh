# expect: tagged=tag-typo same_image=blocked
docker tag myapp:latest myusername/myap:v1.0.0
