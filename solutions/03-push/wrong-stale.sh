# expect: in-hub=passed same-image=push-stale is-sample=passed
ready
printf 'FROM myapp\nLABEL changed=yes\n' | docker build -t myusername/myapp:v1.0.0 -
