# expect: all passed
login
docker tag myapp colleague/myapp:v1.0.0
docker push colleague/myapp:v1.0.0
tag
push
