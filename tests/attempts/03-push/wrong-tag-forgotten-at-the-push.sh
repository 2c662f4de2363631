# expect: in_hub=push-none same_image=blocked is_sample=blocked
# no tag means latest, which is not there
login
tag
docker push myusername/myapp
