# expect: pulled=pull-none present=blocked
ready
docker pull myusername/myapp:v1.0.0
labkit reset 04-pull
