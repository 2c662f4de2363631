# expect: all passed
limited; proxy; mirrored worker2; mirrored worker1
docker --context worker2 pull busybox; docker --context worker1 pull busybox
cut_off; again worker1
