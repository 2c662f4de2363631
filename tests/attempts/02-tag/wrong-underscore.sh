# expect: tagged=tag-typo same_image=blocked
docker tag myapp:latest my_username/myapp:v1.0.0
