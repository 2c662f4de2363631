# expect: in_hub=push-none same_image=blocked is_sample=blocked
ready
labkit reset 03-push
