# expect: limit_met=passed limit_read=passed is_cache=passed is_used=passed from_mirror=passed second_from_mirror=passed without_hub=mirror-hub-answered
# A digest never changes: nobody asks Docker Hub for it, whether it is there or not.
limited; proxy; both; pulled
cut_off
digest=$(docker --context worker1 image inspect busybox --format '{{index .RepoDigests 0}}')
docker --context worker2 image rm busybox; docker --context worker2 pull "$digest"
