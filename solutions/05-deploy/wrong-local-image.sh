# expect: service=passed image=service-local-image replicas=passed running=blocked
ready
create --name myapp --replicas 3 myapp:latest
