# expect: built=build-base-only tagged=passed pushed=passed pulled_elsewhere=pull-none deployed=service-none quiz=quiz-open reflection=reflection-short
login
docker pull busybox
docker tag busybox myusername/webapp:v1.0.0
docker push myusername/webapp:v1.0.0
