# expect: all passed
tag
login
push
