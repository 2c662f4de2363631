# expect: tagged=tag-other-version same-image=blocked
docker tag myapp:latest myusername/myapp
