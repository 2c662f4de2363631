# expect: accepted=login-none kept=blocked
docker image ls
