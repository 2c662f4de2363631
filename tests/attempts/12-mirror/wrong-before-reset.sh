# expect: limit_met=limit-not-met limit_read=limit-not-read is_cache=mirror-plain is_used=blocked from_mirror=mirror-no-pull second_from_mirror=blocked without_hub=blocked
limited; proxy; both; pulled
cut_off; again worker2
labkit reset 12-mirror
