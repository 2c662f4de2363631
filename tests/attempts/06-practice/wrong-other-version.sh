# expect: built=passed tagged=tag-other-version pushed=push-other-tag pulled_elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
# without the v, under the right name
login
webapp
docker build -t myusername/webapp:1.0.0 .
docker push myusername/webapp:1.0.0
