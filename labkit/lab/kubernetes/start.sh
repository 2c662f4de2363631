#!/bin/sh
# The machine `kubernetes`: keeps the learner's manifests, and runs k3s where the image has it. What it serves at port 3000 says
# only that it is there.
set -eu
cat /lab/ca-certificates.crt /lab/pki/hub-ca.pem > /etc/ssl/certs/ca-certificates.crt
mkdir -p /root/manifests /run/ping && echo ready > /run/ping/index.html
if [ ! -x /opt/k3s/bin/k3s ]; then
  exec busybox httpd -f -p 3000 -h /run/ping
fi
busybox httpd -p 3000 -h /run/ping
# Without --privileged these are mounted read-only (see node.sh).
for path in /sys /proc/sys /sys/fs/cgroup; do
  [ -w "$path" ] && [ "$path" != /proc/sys ] || busybox mount -o remount,bind,rw "$path"
done
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  # cgroup v2: a group with processes of its own cannot hand controllers down.
  mkdir -p /sys/fs/cgroup/init
  xargs -rn1 < /sys/fs/cgroup/cgroup.procs > /sys/fs/cgroup/init/cgroup.procs 2> /dev/null || true
  sed -e 's/ / +/g' -e 's/^/+/' < /sys/fs/cgroup/cgroup.controllers > /sys/fs/cgroup/cgroup.subtree_control || true
fi
busybox mount --make-rshared /
# The image that holds a pod's network: k3s would pull it from the real Docker Hub. It imports what lies in this folder.
mkdir -p /var/lib/rancher/k3s/agent/images
python3 -I /lab/kubernetes/pause.py > /var/lib/rancher/k3s/agent/images/pause.tar
# Of k3s only what the lesson needs; all that is left out would be pulled from the internet.
exec /opt/k3s/bin/k3s server --node-name kubernetes --snapshotter native --pause-image registry.lab/pause:1 --flannel-backend host-gw \
  --disable coredns,servicelb,traefik,local-storage,metrics-server --disable-network-policy --disable-cloud-controller \
  --disable-helm-controller --write-kubeconfig-mode 600
