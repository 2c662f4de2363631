# expect: limit_met=passed limit_read=passed is_cache=passed is_used=passed from_mirror=mirror-bypassed second_from_mirror=blocked without_hub=blocked
pulled
limited; proxy; both; pulled
