# diagnosis: tag-other-version
docker tag myapp:latest myusername/myapp:1.0.0
