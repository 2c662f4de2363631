# expect: accepted=login-none kept=blocked
login
labkit reset 01-login
