# diagnosis: push-typo
docker tag myapp:latest myusername/my-app:v1.0.0
docker push myusername/my-app:v1.0.0
