#!/bin/sh
# Says in one sentence whether this lab has a cluster.
if [ -x /opt/k3s/bin/k3s ]; then
  /opt/k3s/bin/k3s kubectl wait --for=condition=Ready node --all --timeout=90s
else
  echo "This lab has no cluster, as the image of k3s can't be had here: your manifests are graded as they are, and applying them is not asked for."
fi
