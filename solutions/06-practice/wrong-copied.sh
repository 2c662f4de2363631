# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=pull-copied deployed=service-none quiz=passed reflection=passed
built
docker push myusername/webapp:v1.0.0
docker image save myusername/webapp:v1.0.0 | docker --context worker1 image load
answers
