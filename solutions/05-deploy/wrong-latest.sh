# expect: service=passed image=service-latest replicas=passed running=blocked
ready
docker tag myapp myusername/myapp
docker push myusername/myapp
create --name myapp --replicas 3 myusername/myapp
