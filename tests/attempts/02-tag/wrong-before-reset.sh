# expect: tagged=tag-none same-image=blocked
tag
labkit reset 02-tag
