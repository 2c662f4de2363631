# expect: pulled=pull-only-asked present=blocked
ready
asks worker1 myusername/myapp v1.0.0
