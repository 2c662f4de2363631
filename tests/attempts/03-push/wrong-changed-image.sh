# expect: in-hub=passed same-image=passed is-sample=push-other-image
login
changed myusername/myapp:v1.0.0
push
