# expect: service=service-none image=blocked replicas=blocked running=blocked
ready
