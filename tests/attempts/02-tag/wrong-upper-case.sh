# expect: tagged=tag-none same_image=blocked
# docker refuses the name: repository names are lower case
docker tag myapp:latest MyUsername/MyApp:v1.0.0
