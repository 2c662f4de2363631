# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=passed deployed=service-none quiz=passed reflection=passed
built
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
answers
