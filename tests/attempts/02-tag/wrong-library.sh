# expect: tagged=tag-other-namespace same-image=blocked
docker tag myapp:latest library/other/myapp:v1.0.0
