# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=passed deployed=passed quiz=quiz-open reflection=reflection-short
built
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
