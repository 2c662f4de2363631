# expect: built=build-none tagged=tag-none pushed=push-none pulled_elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
login
webapp
