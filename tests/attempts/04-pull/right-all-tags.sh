# expect: all passed
ready
docker tag myapp myusername/myapp:v2
docker push myusername/myapp:v2
docker --context worker1 pull --all-tags myusername/myapp
