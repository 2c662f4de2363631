# expect: pulled=pull-none present=blocked
# docker service create looks at the image; nobody fetches it
ready
create --name myapp --replicas 0 myusername/myapp:v1.0.0
