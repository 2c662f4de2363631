# expect: in_hub=push-not-signed-in same_image=blocked is_sample=blocked
tag
push
