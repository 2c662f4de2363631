# expect: limit_met=passed limit_read=passed is_cache=passed is_used=passed from_mirror=mirror-by-name second_from_mirror=blocked without_hub=blocked
limited; proxy
for worker in worker1 worker2; do on $worker <<'END'
echo '{"registry-mirrors": ["http://mirror:5000"], "insecure-registries": ["mirror:5000"]}' > /etc/docker/daemon.json
pkill -HUP -x dockerd
until docker info 2> /dev/null | grep -q http://mirror:5000/; do sleep 0.1; done
END
done
pulled mirror:5000/library/busybox
