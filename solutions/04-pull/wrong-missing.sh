# diagnosis: pull-failed
docker pull myusername/myapp:1.0.0
