# expect: all passed
tag
tag
