# expect: built=passed tagged=passed pushed=push-none pulled_elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
built
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
labkit reset 06-practice
built
