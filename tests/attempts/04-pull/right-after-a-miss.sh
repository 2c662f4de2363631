# expect: all passed
login
tag
docker pull myusername/myapp:v1.0.0
push
docker pull myusername/myapp:v1.0.0
