# expect: tagged=tag-none same_image=blocked
tag
docker image rm myusername/myapp:v1.0.0
