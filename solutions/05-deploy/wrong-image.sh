# expect: service=passed image=service-other-image replicas=passed running=blocked
ready
create --name myapp --replicas 3 busybox sleep 1000
