# diagnosis: push-other-namespace
docker tag myapp:latest colleague/myapp:v1.0.0
docker push colleague/myapp:v1.0.0
