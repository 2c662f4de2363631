# expect: in_hub=push-none same_image=blocked is_sample=blocked
tag
push
labkit reset 03-push
