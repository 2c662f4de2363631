# expect: built=passed tagged=tag-no-namespace pushed=push-none pulled_elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
login
webapp
docker build -t webapp:v1.0.0 .
