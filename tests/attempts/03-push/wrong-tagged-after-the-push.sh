# expect: in_hub=push-latest-only same_image=blocked is_sample=blocked
login
docker tag myapp myusername/myapp
docker push myusername/myapp
tag
