# expect: built=build-sample tagged=passed pushed=push-none pulled_elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
# myapp built anew, and given the other name
changed myapp:latest
docker tag myapp myusername/webapp:v1.0.0
