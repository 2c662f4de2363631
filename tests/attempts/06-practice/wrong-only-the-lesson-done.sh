# expect: built=build-none tagged=tag-none pushed=push-none pulled_elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
ready
docker pull myusername/myapp:v1.0.0
create --name myapp --replicas 3 myusername/myapp:v1.0.0
