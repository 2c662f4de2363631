# expect: all passed
login
tag
docker tag myapp myusername/myapp:latest
docker push --all-tags myusername/myapp
