# expect: tagged=tag-typo same-image=blocked
docker tag myapp:latest my_username/myapp:v1.0.0
