# expect: limit_met=passed limit_read=passed is_cache=passed is_used=passed from_mirror=passed second_from_mirror=mirror-copied without_hub=mirror-hub-answered
limited; proxy; both
docker --context worker1 pull busybox
docker --context worker1 save busybox | docker --context worker2 load
