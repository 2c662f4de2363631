# expect: all passed
login
webapp 'LABEL version=1.0.0'
docker build -t myusername/webapp:v1.0.0 -t myusername/webapp:latest .
docker push --all-tags myusername/webapp
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
