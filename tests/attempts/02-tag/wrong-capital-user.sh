# expect: tagged=tag-capital same_image=blocked
# docker takes a first part with a capital letter for a registry's address, and says nothing
docker tag myapp:latest Myusername/myapp:v1.0.0
