# expect: service=service-none image=blocked replicas=blocked running=blocked
ready
docker run -d --name other myusername/myapp:v1.0.0
