# expect: all passed
ready
push
