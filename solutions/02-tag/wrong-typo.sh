# expect: tagged=tag-typo same-image=blocked
docker tag myapp:latest myusername/myap:v1.0.0
