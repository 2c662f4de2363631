# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=pull-none deployed=service-none quiz=passed reflection=passed
built
docker push myusername/webapp:v1.0.0
answers
