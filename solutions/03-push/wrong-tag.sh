# diagnosis: push-other-tag
docker tag myapp:latest myusername/myapp:1.0.0
docker push myusername/myapp:1.0.0
