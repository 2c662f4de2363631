# expect: tagged=tag-typo same_image=blocked
docker tag myapp:latest myusernme/myapp:v1.0.0
