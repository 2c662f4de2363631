# expect: tagged=tag-typo same-image=blocked
docker tag myapp:latest myusernme/myapp:v1.0.0
