# expect: all passed
# The limit is off and Docker Hub is there again; the mirror stays.
limited; proxy; both; pulled
cut_off; again worker2
reconnected; labkit limit hub --off
docker --context worker1 pull busybox
