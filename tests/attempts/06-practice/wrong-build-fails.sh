# expect: built=build-none tagged=tag-none pushed=push-none pulled_elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
login
printf 'FROM busybox\nCOPY no-such-file /\n' > Dockerfile
docker build -t myusername/webapp:v1.0.0 .
