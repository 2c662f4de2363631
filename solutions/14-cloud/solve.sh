labkit answer 14-cloud identity=cab digest=b password=c address=b
