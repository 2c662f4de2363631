# expect: in_hub=passed same_image=passed is_sample=push-other-image
login
changed myusername/myapp:v1.0.0
push
