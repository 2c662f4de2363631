# expect: pulled=pull-failed present=blocked
ready
docker pull myapp:v1.0.0
