# expect: in-hub=push-not-signed-in same-image=blocked is-sample=blocked
tag
push
login
