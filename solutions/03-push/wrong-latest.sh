# diagnosis: push-latest-only
docker tag myapp:latest myusername/myapp:latest
docker push myusername/myapp
