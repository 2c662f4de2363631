# diagnosis: build-sample
docker tag myapp:latest myusername/webapp:v1.0.0
