# diagnosis: tag-other-namespace
docker tag myapp:latest colleague/myapp:v1.0.0
