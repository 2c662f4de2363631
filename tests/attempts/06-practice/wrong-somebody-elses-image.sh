# expect: built=build-foreign tagged=passed pushed=build-foreign pulled_elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
# an image with the mark of another learner's lab
login
webapp 'LABEL lab.secret=0123456789ab'
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
