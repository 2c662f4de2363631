# expect: limit_met=passed limit_read=passed is_cache=passed is_used=mirror-one-user from_mirror=passed second_from_mirror=mirror-one-machine without_hub=passed
limited; proxy; mirrored worker1; pulled
cut_off; again worker1
