# expect: limit_met=passed limit_read=passed is_cache=mirror-part-missing is_used=blocked from_mirror=mirror-no-pull second_from_mirror=blocked without_hub=blocked
limited; proxy; both; pulled
cut_off; again worker2
on mirror <<< "pkill python3"
wait_for "the machine has ended" sh -c '! labkit shell mirror true'
