# expect: built=build-empty tagged=passed pushed=push-none pulled_elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
login
printf 'FROM scratch\nLABEL a=b\n' | docker build -t myusername/webapp:v1.0.0 -
