# expect: pulled=passed present=pull-removed
ready
docker --context worker1 pull myusername/myapp:v1.0.0
docker --context worker1 image rm myusername/myapp:v1.0.0
