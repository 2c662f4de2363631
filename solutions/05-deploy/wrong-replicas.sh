# expect: service=passed image=passed replicas=service-replicas running=blocked
ready
create --name myapp myusername/myapp:v1.0.0
