# expect: limit_met=limit-met-by-the-mirror limit_read=passed is_cache=passed is_used=passed from_mirror=passed second_from_mirror=passed without_hub=passed
labkit limit hub --pulls 0
headers; proxy
on worker1 <<< "curl -s http://mirror:5000/v2/library/busybox/manifests/latest"
labkit limit hub --off
both; pulled
cut_off; again worker2
