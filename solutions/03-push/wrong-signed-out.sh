# expect: in-hub=push-not-signed-in same-image=blocked is-sample=blocked
login
docker logout
tag
push
