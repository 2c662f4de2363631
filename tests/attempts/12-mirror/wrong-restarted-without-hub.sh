# expect: limit_met=passed limit_read=passed is_cache=mirror-down is_used=blocked from_mirror=passed second_from_mirror=mirror-bypassed without_hub=mirror-hub-answered
# It does not start without Docker Hub, and the engine goes to Docker Hub itself.
limited; proxy; both; pulled
cut_off
on mirror <<< "pkill -x docker-registry; while pidof docker-registry > /dev/null; do sleep 0.1; done"
again worker2
