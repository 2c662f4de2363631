# expect: all passed
login
webapp
docker build -t webapp .
docker tag webapp myusername/webapp:v1.0.0
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
