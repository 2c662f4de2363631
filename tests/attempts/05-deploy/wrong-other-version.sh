# expect: service=passed image=service-other-image replicas=passed running=blocked
ready
docker tag myapp myusername/myapp:v2
docker push myusername/myapp:v2
create --name myapp --replicas 3 myusername/myapp:v2
