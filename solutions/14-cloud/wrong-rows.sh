# expect: identities=quiz-lines quiz=passed
labkit answer 14-cloud identity=abc digest=b password=c address=b
