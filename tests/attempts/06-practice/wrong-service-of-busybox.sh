# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=passed deployed=service-other-image quiz=passed reflection=passed
built
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 busybox sleep 1000
answers
