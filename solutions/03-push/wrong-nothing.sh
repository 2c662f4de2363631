# expect: in-hub=push-none same-image=blocked is-sample=blocked
login
tag
