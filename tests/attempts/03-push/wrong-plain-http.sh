# expect: in-hub=push-none same-image=blocked is-sample=blocked
# nothing listens without TLS
login
docker tag myapp registry.lab:80/myusername/myapp:v1.0.0
docker push registry.lab:80/myusername/myapp:v1.0.0
