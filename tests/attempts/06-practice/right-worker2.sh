# expect: all passed
built
docker push myusername/webapp:v1.0.0
docker --context worker2 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
