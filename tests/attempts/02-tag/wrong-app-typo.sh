# expect: tagged=tag-typo same-image=blocked
docker tag myapp:latest myusername/my-app:v1.0.0
