# expect: pulled=passed present=pull-outdated
ready
docker --context worker1 pull myusername/myapp:v1.0.0
changed myusername/myapp:v1.0.0
push
