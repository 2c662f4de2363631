# expect: in_hub=push-none same_image=blocked is_sample=blocked
# nothing listens without TLS
login
docker tag myapp registry.lab:80/myusername/myapp:v1.0.0
docker push registry.lab:80/myusername/myapp:v1.0.0
