# diagnosis: pull-other-tag
docker tag myapp:latest myusername/myapp:latest
docker push myusername/myapp
docker pull myusername/myapp
