# expect: limit_met=passed limit_read=passed is_cache=passed is_used=passed from_mirror=mirror-no-pull second_from_mirror=blocked without_hub=blocked
limited; proxy; both
for worker in worker1 worker2; do on $worker <<'END'
curl -s http://mirror:5000/v2/library/busybox/manifests/latest > /dev/null
END
done
