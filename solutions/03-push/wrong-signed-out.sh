# diagnosis: push-not-signed-in
docker logout
docker push myusername/myapp:v1.0.0
