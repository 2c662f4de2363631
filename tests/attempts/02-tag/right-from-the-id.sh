# expect: all passed
docker tag $(docker image ls -q myapp) myusername/myapp:v1.0.0
