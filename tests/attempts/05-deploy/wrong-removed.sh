# expect: service=service-none image=blocked replicas=blocked running=blocked
ready
create --name myapp --replicas 3 myusername/myapp:v1.0.0
docker service rm myapp
