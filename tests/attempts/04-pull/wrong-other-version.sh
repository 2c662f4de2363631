# expect: pulled=pull-other-tag present=blocked
ready
docker tag myapp myusername/myapp:v2
docker push myusername/myapp:v2
docker --context worker1 pull myusername/myapp:v2
