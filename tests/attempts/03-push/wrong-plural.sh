# expect: in_hub=push-typo same_image=blocked is_sample=blocked
login
docker tag myapp myusername/myapps:v1.0.0
docker push myusername/myapps:v1.0.0
