# expect: all passed
login
tag
docker image save myusername/myapp:v1.0.0 | docker --context worker1 image load
docker --context worker1 push myusername/myapp:v1.0.0
