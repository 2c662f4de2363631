# expect: all passed
labkit answer 14-cloud identity=abc digest=a password=a address=a
labkit answer 14-cloud identity=cab digest=b password=c address=b
