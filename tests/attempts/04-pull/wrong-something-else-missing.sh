# expect: pulled=pull-none present=blocked
ready
docker pull myusername/nothing-like-it
