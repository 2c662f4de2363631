# expect: built=passed tagged=passed pushed=push-not-signed-in pulled_elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
webapp
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
