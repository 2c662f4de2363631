# expect: built=passed tagged=tag-other-version pushed=push-none pulled_elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
login
webapp
docker build -t myusername/webapp:1.0.0 .
