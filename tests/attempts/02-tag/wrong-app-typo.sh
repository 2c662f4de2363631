# expect: tagged=tag-typo same_image=blocked
docker tag myapp:latest myusername/my-app:v1.0.0
