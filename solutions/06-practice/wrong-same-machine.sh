# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=pull-same-machine deployed=passed quiz=passed reflection=passed
built
docker push myusername/webapp:v1.0.0
docker pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
