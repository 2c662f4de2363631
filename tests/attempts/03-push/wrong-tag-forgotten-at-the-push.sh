# expect: in-hub=push-none same-image=blocked is-sample=blocked
# no tag means latest, which is not there
login
tag
docker push myusername/myapp
