# expect: built=passed tagged=passed pushed=push-stale pulled_elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
built
docker push myusername/webapp:v1.0.0
webapp 'LABEL later=yes'
docker build -t myusername/webapp:v1.0.0 .
