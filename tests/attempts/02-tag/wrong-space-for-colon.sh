# expect: tagged=tag-none same_image=blocked
# docker refuses it: three arguments
docker tag myapp:latest myusername/myapp v1.0.0
