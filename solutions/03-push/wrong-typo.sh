# expect: in_hub=push-typo same_image=blocked is_sample=blocked
login
docker tag myapp myusername/my-app:v1.0.0
docker push myusername/my-app:v1.0.0
