# expect: pulled=pull-none present=blocked
# copied past the registry
ready
docker image save myusername/myapp:v1.0.0 | docker --context worker1 image load
