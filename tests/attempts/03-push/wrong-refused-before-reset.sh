# expect: in-hub=push-none same-image=blocked is-sample=blocked
tag
push
labkit reset 03-push
