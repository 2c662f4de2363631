# expect: pulled=pull-none present=blocked
# the nodes ask in vain; nobody else did
ready
create --no-resolve-image --name other --constraint node.role==worker myusername/myapp:v9
wait_for missing task_says other 'no such image'
