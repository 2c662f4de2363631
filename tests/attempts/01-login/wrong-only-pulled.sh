# expect: accepted=login-none kept=blocked
docker pull busybox
