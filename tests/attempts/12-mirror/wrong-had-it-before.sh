# expect: limit_met=passed limit_read=passed is_cache=passed is_used=passed from_mirror=mirror-had-before second_from_mirror=blocked without_hub=blocked
# From before the exercise began.
ready; pulled myusername/myapp:v1.0.0
labkit reset 12-mirror
limited; proxy; both; pulled myusername/myapp:v1.0.0
