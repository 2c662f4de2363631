# expect: in_hub=push-no-namespace same_image=blocked is_sample=blocked
login
tag
docker push myapp:latest
