# expect: all passed
ready
labkit reset 03-push
push
