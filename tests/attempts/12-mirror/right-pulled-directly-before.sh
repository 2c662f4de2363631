# expect: all passed
# Straight from Docker Hub first; removed, and then from the mirror.
pulled
limited; proxy; both
again worker1; again worker2
cut_off; again worker2
