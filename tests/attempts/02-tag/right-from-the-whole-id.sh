# expect: all passed
docker tag $(docker image inspect myapp --format '{{.Id}}') myusername/myapp:v1.0.0
