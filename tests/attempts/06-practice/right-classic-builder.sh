# expect: all passed
login
webapp
DOCKER_BUILDKIT=0 docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
