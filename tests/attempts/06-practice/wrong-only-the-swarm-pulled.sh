# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=pull-by-swarm deployed=passed quiz=passed reflection=passed
built
docker push myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
wait_for running replicas webapp 3/3
answers
