# expect: in_hub=push-none same_image=blocked is_sample=blocked
login
tag
