# expect: all passed
login
labkit reset 01-login
login
