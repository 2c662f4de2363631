# expect: in_hub=push-other-tag same_image=blocked is_sample=blocked
login
docker tag myapp myusername/myapp:1.0.0
docker push myusername/myapp:1.0.0
