# expect: all passed
limited; proxy; both; pulled
cut_off; docker --context worker2 pull busybox
