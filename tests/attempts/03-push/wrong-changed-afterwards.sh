# expect: in-hub=passed same-image=push-stale is-sample=passed
ready
changed myusername/myapp:v1.0.0
