# expect: all passed
login
tag
docker push docker.io/myusername/myapp:v1.0.0
