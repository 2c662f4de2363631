# expect: in-hub=push-none same-image=blocked is-sample=blocked
ready
labkit reset 03-push
