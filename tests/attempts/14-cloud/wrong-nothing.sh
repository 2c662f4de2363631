# expect: identities=quiz-open quiz=quiz-open
true
