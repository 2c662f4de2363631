# expect: tagged=tag-none same_image=blocked
# docker refuses it: no such image
docker tag myusername/myapp:v1.0.0 myapp:latest
