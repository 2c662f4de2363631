# expect: tagged=tag-none same-image=blocked
# docker refuses the name: repository names are lower case
docker tag myapp:latest MyUsername/MyApp:v1.0.0
