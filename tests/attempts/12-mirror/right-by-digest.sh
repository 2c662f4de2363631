# expect: all passed
limited; proxy; both
docker --context worker1 pull busybox
digest=$(docker --context worker1 image inspect busybox --format '{{index .RepoDigests 0}}')
docker --context worker2 pull "$digest"
cut_off; docker --context worker1 pull busybox
