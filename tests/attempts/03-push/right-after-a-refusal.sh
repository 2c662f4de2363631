# expect: all passed
tag
push
login
push
