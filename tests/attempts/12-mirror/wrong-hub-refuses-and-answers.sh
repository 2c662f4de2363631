# expect: limit_met=passed limit_read=passed is_cache=passed is_used=passed from_mirror=passed second_from_mirror=passed without_hub=mirror-hub-answered
# With the limit used up, Docker Hub still answers a HEAD: the mirror learns that the tag is where it was.
limited; proxy; both; pulled
labkit limit hub --pulls 0
again worker2
