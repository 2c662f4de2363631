# diagnosis: tag-no-namespace
docker tag myapp:latest myapp:v1.0.0
