# expect: tagged=tag-none same_image=blocked
tag
labkit reset 02-tag
