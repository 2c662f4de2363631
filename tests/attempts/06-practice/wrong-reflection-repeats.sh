# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=passed deployed=passed quiz=passed reflection=reflection-same
built
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
labkit answer 06-practice ci=b version=c automation=a reflection="$(printf 'registry %.0s' $(seq 25))"
