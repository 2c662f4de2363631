# expect: service=passed image=service-other-image replicas=passed running=blocked
# without --with-registry-auth, too
docker login -u myusername -p mypassword registry.lab:5000
ready
docker tag myapp registry.lab:5000/myusername/myapp:v1.0.0
docker push registry.lab:5000/myusername/myapp:v1.0.0
create --name myapp --replicas 3 registry.lab:5000/myusername/myapp:v1.0.0
