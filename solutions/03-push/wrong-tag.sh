# expect: in-hub=push-other-tag same-image=blocked is-sample=blocked
login
docker tag myapp myusername/myapp:1.0.0
docker push myusername/myapp:1.0.0
