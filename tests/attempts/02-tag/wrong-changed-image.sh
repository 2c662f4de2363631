# expect: tagged=passed same_image=tag-other-image
# built on top of the sample instead of tagged
changed myusername/myapp:v1.0.0
