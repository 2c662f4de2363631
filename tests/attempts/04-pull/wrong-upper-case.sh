# expect: pulled=pull-none present=blocked
# docker refuses the name
ready
docker pull MyUsername/MyApp:v1.0.0
