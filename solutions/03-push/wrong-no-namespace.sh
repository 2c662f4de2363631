# diagnosis: push-no-namespace
docker tag myapp:latest myapp:v1.0.0
docker push myapp:v1.0.0
