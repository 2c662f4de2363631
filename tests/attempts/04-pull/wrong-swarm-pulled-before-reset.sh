# expect: pulled=pull-none present=blocked
ready
create --name other --mode global myusername/myapp:v1.0.0
wait_for running replicas other 3/3
labkit reset 04-pull
