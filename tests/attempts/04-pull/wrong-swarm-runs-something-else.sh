# expect: pulled=pull-none present=blocked
ready
create --name other --mode global busybox sleep 1000
wait_for running replicas other 3/3
