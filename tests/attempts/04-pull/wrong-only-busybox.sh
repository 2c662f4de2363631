# expect: pulled=pull-none present=blocked
ready
docker pull busybox
