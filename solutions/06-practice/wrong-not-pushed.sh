# expect: built=passed tagged=passed pushed=push-none pulled_elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
built
