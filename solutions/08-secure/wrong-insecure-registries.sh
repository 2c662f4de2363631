# expect: trusted=own-insecure closed=blocked kept=blocked carried=blocked clean=shop-not-pushed signed=blocked robot=robot-no-service harmless=robot-not-tried guarded=blocked
# The error is gone, and the protection too.
certificate; registry $TLS $AUTH
for machine in workstation worker1 worker2; do
  on $machine <<< "echo '{\"insecure-registries\": [\"$HOST\"]}' > /etc/docker/daemon.json; pkill -HUP dockerd"
done
wait_for 'worker2 to read its settings' labkit shell worker2 sh -c "docker info | grep -q $HOST"
helper; sign_in; carry
