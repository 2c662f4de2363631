# expect: service=passed image=service-old-digest replicas=passed running=blocked
ready
create --name myapp --replicas 3 myusername/myapp:v1.0.0
changed myusername/myapp:v1.0.0
push
