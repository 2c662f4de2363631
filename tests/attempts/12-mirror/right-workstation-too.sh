# expect: all passed
# The workstation in worker2's place, once the limit was met there.
limited; proxy; mirrored workstation; mirrored worker1
docker --context worker1 pull busybox; docker pull busybox
cut_off; again workstation
