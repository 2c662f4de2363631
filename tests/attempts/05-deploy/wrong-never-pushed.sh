# expect: service=passed image=service-not-pushed replicas=passed running=blocked
tag
create --name myapp --replicas 3 myusername/myapp:v1.0.0
