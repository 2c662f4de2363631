# expect: pulled=pull-none present=blocked
tag
push
