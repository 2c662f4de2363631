# expect: pulled=pull-failed present=blocked
ready
docker pull myusername/myapp:1.0.0
