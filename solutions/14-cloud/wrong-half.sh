# expect: identities=passed quiz=quiz-open
labkit answer 14-cloud identity=cab digest=b
