# expect: tagged=tag-other-namespace same_image=blocked
docker tag myapp:latest library/other/myapp:v1.0.0
