# expect: tagged=tag-none same_image=blocked
docker image ls
