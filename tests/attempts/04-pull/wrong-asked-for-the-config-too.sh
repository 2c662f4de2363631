# expect: pulled=pull-only-asked present=blocked
ready
asks worker1 myusername/myapp v1.0.0 config
create --name later --mode global myusername/myapp:v1.0.0
wait_for running replicas later 3/3
