# expect: service=passed image=passed replicas=service-replicas running=blocked
ready
docker node update --availability drain worker2
create --name myapp --mode global myusername/myapp:v1.0.0
wait_for running replicas myapp 2/2
