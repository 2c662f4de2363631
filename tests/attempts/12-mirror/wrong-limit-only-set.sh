# expect: limit_met=limit-not-met limit_read=passed is_cache=passed is_used=passed from_mirror=passed second_from_mirror=passed without_hub=passed
labkit limit hub --pulls 0
headers; docker pull nothing-of-this-name
labkit limit hub --off
proxy; both; pulled
cut_off; again worker2
