# expect: limit_met=passed limit_read=passed is_cache=passed is_used=passed from_mirror=passed second_from_mirror=mirror-fetched-again without_hub=mirror-hub-answered
limited; labkit limit hub --pulls 9; proxy; both
docker --context worker1 pull busybox
on mirror <<< "rm -r /var/lib/registry/docker"
restarted
docker --context worker2 pull busybox
