# expect: limit_met=limit-not-met limit_read=limit-not-read is_cache=mirror-plain is_used=blocked from_mirror=mirror-no-pull second_from_mirror=blocked without_hub=blocked
true
