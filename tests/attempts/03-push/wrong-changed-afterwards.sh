# expect: in_hub=passed same_image=push-stale is_sample=passed
ready
changed myusername/myapp:v1.0.0
