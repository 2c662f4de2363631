# expect: in-hub=push-no-namespace same-image=blocked is-sample=blocked
login
docker tag myapp myapp:v1.0.0
docker push myapp:v1.0.0
