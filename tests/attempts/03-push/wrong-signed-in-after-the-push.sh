# expect: in_hub=push-before-sign-in same_image=blocked is_sample=blocked
tag
push
login
