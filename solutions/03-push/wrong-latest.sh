# expect: in-hub=push-latest-only same-image=blocked is-sample=blocked
login
docker tag myapp myusername/myapp
docker push myusername/myapp
