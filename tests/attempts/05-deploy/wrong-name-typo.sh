# expect: service=service-other-name image=blocked replicas=blocked running=blocked
ready
create --name my-app --replicas 3 busybox sleep 1000
