# expect: all passed
login
tag
docker push myusername/myapp:v1.0.0
