# expect: in-hub=push-other-namespace same-image=blocked is-sample=blocked
login
docker tag myapp colleague/myapp:v1.0.0
docker push colleague/myapp:v1.0.0
