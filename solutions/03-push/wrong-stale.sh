# expect: in_hub=passed same_image=push-stale is_sample=passed
ready
printf 'FROM myapp\nLABEL changed=yes\n' | docker build -t myusername/myapp:v1.0.0 -
