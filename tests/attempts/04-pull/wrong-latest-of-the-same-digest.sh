# expect: pulled=pull-other-tag present=blocked
ready
docker tag myapp myusername/myapp:latest
docker push myusername/myapp:latest
docker --context worker1 pull myusername/myapp
