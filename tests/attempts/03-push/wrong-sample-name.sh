# expect: in-hub=push-no-namespace same-image=blocked is-sample=blocked
login
tag
docker push myapp:latest
