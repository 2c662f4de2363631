# expect: tagged=tag-none same-image=blocked
docker image ls
