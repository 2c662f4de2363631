# expect: service=service-none image=blocked replicas=blocked running=blocked
ready
create --name myapp --replicas 3 myusername/myapp:v1.0.0
labkit reset 05-deploy
