# expect: all passed
login
login
