# expect: pulled=pull-none present=blocked
ready
docker pull myusername/myapp:v9
labkit reset 04-pull
