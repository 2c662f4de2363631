# expect: built=build-sample tagged=passed pushed=passed pulled_elsewhere=passed deployed=page-sample quiz=passed reflection=passed
login
docker tag myapp myusername/webapp:v1.0.0
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
