# expect: identities=passed quiz=quiz-wrong
labkit answer 14-cloud identity=cab digest=a password=c address=b
