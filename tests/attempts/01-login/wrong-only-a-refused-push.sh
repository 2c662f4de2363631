# expect: accepted=login-none kept=blocked
tag
push
