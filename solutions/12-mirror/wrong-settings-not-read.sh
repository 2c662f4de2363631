# expect: limit_met=passed limit_read=passed is_cache=passed is_used=mirror-unused from_mirror=mirror-no-pull second_from_mirror=blocked without_hub=blocked
limited; proxy
for worker in worker1 worker2; do on $worker <<< "echo '{\"registry-mirrors\": [\"http://mirror:5000\"]}' > /etc/docker/daemon.json"; done
