# expect: pulled=pull-failed present=blocked
ready
docker pull colleague/myapp:v1.0.0
