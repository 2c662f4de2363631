# expect: all passed
login
tag
docker push -q myusername/myapp:v1.0.0
