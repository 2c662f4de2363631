# expect: in_hub=push-none same_image=blocked is_sample=blocked
# a refused push, and then one that went through, to another repository
login
docker tag myapp colleague/myapp:v1.0.0
docker push colleague/myapp:v1.0.0
docker tag myapp myusername/other:v1.0.0
docker push myusername/other:v1.0.0
