# expect: all passed
login
tag
docker image push myusername/myapp:v1.0.0
