# expect: service=passed image=passed replicas=service-replicas running=blocked
ready
create --name myapp --mode global --constraint node.role==worker myusername/myapp:v1.0.0
