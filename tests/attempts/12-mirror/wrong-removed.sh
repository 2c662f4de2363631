# expect: limit_met=passed limit_read=passed is_cache=passed is_used=passed from_mirror=mirror-copy-gone second_from_mirror=blocked without_hub=blocked
limited; proxy; both; pulled
cut_off; again worker2
for worker in worker1 worker2; do docker --context $worker image rm busybox; done
