# expect: service=service-container image=blocked replicas=blocked running=blocked
ready
docker run -d --name myapp myusername/myapp:v1.0.0
