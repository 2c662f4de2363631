# expect: in_hub=push-no-namespace same_image=blocked is_sample=blocked
login
docker tag myapp myapp:v1.0.0
docker push myapp:v1.0.0
