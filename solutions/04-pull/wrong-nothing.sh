# expect: pulled=pull-none present=blocked
ready
