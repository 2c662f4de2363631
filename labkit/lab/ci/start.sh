#!/bin/sh
# The machine `ci`: holds the learner's repository and runs its workflows when somebody pushes (run_commit.py). What it serves at
# port 3000 says only that it is there.
set -eu
# buildx asks the registries from here, so this machine trusts the lab's certificate authority for their names, as the nodes do.
cat /lab/ca-certificates.crt /lab/pki/hub-ca.pem > /etc/ssl/certs/ca-certificates.crt
python3 -I /lab/ci/run_commit.py prepare
mkdir -p /run/ping && echo ready > /run/ping/index.html
exec busybox httpd -f -p 3000 -h /run/ping
