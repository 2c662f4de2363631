# diagnosis: tag-typo
docker tag myapp:latest myusername/myap:v1.0.0
