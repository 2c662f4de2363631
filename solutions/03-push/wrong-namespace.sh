# expect: in_hub=push-other-namespace same_image=blocked is_sample=blocked
login
docker tag myapp colleague/myapp:v1.0.0
docker push colleague/myapp:v1.0.0
