# expect: in_hub=push-other-tag same_image=blocked is_sample=blocked
login
docker tag myapp myusername/myapp:V1.0.0
docker push myusername/myapp:V1.0.0
