# expect: pulled=pull-failed present=blocked
ready
docker pull myusername/myapps:v1.0.0
