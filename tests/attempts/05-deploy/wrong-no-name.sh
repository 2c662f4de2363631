# expect: service=service-other-name image=blocked replicas=blocked running=blocked
# the Swarm makes a name up
ready
create --replicas 3 myusername/myapp:v1.0.0
