# expect: built=passed tagged=passed pushed=push-none pulled-elsewhere=blocked deployed=blocked quiz=quiz-open reflection=reflection-short
built
