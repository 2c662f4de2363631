# expect: limit_met=passed limit_read=passed is_cache=passed is_used=passed from_mirror=mirror-bypassed second_from_mirror=blocked without_hub=blocked
# The mirror was down for a moment, and the engines took the long way.
limited; proxy; both
on mirror <<< "sed -i s/remoteurl/romoteurl/ /etc/docker/registry/config.yml; pkill -x docker-registry; while pidof docker-registry > /dev/null; do sleep 0.1; done"
pulled
on mirror <<< "sed -i s/romoteurl/remoteurl/ /etc/docker/registry/config.yml"
restarted
