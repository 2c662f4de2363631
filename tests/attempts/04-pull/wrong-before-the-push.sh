# expect: pulled=pull-failed present=blocked
login
tag
docker pull myusername/myapp:v1.0.0
push
