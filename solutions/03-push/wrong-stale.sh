# diagnosis: push-stale
docker push myusername/myapp:v1.0.0
printf 'FROM myapp\nLABEL changed=yes\n' | docker build -t myusername/myapp:v1.0.0 -
