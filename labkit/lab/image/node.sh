#!/bin/sh
# A machine of the lab: a Docker Engine that answers on its own socket and, with mutual TLS, on port 2376.
set -eu
# Without --privileged these are mounted read-only, and an engine must write to them. Nothing is started where they are
# writable, else busybox's mount, because it is the quicker one: docs/decisions/0006-start-up.md.
writable() {
  case $1 in
    /proc/sys) [ -w /proc/sys/kernel/hostname ] ;; # not even root may write to its folders
    *) [ -w "$1" ] ;;
  esac
}
set -- /sys /proc/sys /sys/fs/cgroup
[ -e /sys/fs/cgroup/cgroup.controllers ] || set -- "$@" /sys/fs/cgroup/*/ # cgroup v1: a mount for each controller
for path in "$@"; do
  writable "$path" || busybox mount -o remount,bind,rw "$path"
done
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  # cgroup v2: a group with processes of its own cannot hand controllers down.
  mkdir -p /sys/fs/cgroup/init
  xargs -rn1 < /sys/fs/cgroup/cgroup.procs > /sys/fs/cgroup/init/cgroup.procs 2>/dev/null || true
  sed -e 's/ / +/g' -e 's/^/+/' < /sys/fs/cgroup/cgroup.controllers > /sys/fs/cgroup/cgroup.subtree_control || true
fi
# Left behind where this machine was killed; the engine refuses to start beside it.
killed=
if [ -e /run/docker.pid ]; then
  killed=yes
  rm -f /run/docker.pid
fi
# The machine trusts the lab's certificate authority for Docker Hub's own names, beside the usual ones.
cat /lab/ca-certificates.crt /lab/pki/hub-ca.pem > /etc/ssl/certs/ca-certificates.crt
# Started first: dockerd waits a fixed second for a containerd that it starts itself.
containerd --config /lab/containerd.toml --log-level error &
engine() {
  exec dockerd --containerd /run/containerd/containerd.sock --log-level "${LAB_LOG_LEVEL:-warn}" \
    --host unix:///var/run/docker.sock --host tcp://0.0.0.0:2376 \
    --tlsverify --tlscacert /lab/pki/lab-ca.pem --tlscert /lab/pki/server.pem --tlskey /lab/pki/server-key.pem \
    --userland-proxy=false --default-address-pool base=10.201.0.0/16,size=24 --bip 10.202.0.1/24
}
if [ "$killed" ]; then
  # An engine that is killed while it starts can leave two records of its bridge, and then it never starts again: it makes its
  # own networks' records anew. The Swarm's are elsewhere.
  failed=1
  trap 'failed=0' TERM # tini sends it to all of them: this one waits for the engine, and its log outlives it
  engine 2>&1 | (trap '' TERM && exec sed -u '1,200w /run/engine.log' >&2) &
  wait $! || wait $! || true
  grep -qE 'networks have same bridge name|Pool overlaps' /run/engine.log || exit $failed
  rm -f /var/lib/docker/network/files/local-kv.db
  trap - TERM
fi
engine
