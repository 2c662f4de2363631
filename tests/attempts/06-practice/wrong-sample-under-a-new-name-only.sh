# expect: built=build-sample tagged=passed pushed=push-none pulled_elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
docker tag myapp myusername/webapp:v1.0.0
docker image rm myapp:latest
