# expect: limit_met=passed limit_read=passed is_cache=mirror-other-upstream is_used=blocked from_mirror=mirror-bypassed second_from_mirror=blocked without_hub=blocked
limited; proxy https://registry.lab:5000; both; pulled
