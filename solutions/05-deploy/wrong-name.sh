# expect: service=service-other-name image=blocked replicas=blocked running=blocked
ready
create --name app --replicas 3 myusername/myapp:v1.0.0
