# expect: identities=quiz-open quiz=quiz-open
labkit answer 14-cloud identity=cab digest=b password=c address=b; labkit reset 14-cloud
