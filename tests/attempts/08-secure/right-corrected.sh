# expect: all passed
# First by insecure-registries, in plain, with a robot that may push, and with two signatures.
certificate; registry $TLS $AUTH
on worker1 <<< "echo '{\"insecure-registries\": [\"$HOST\"]}' > /etc/docker/daemon.json; pkill -HUP dockerd"
on worker1 <<< "echo '{\"insecure-registries\": []}' > /etc/docker/daemon.json; pkill -HUP dockerd"
trust workstation worker1 worker2; sign_in
tools <<< "docker logout $HOST"
helper; sign_in; carry; released; keys; sign
NAME=first robot "$PULL, $PUSH"; script; deploy; leak; tried unsigned
tools <<< "docker service rm shop > /dev/null; docker --config robot logout harbor.lab"
for machine in worker1 worker2; do
  wait_for "$machine to be without the shop" labkit shell $machine sh -c "! docker ps -aq --filter name=shop | grep -q . && { docker image ls -q $SHOP | sort -u | xargs -r docker image rm -f; true; }"
done
robot; deploy; leak; tried
