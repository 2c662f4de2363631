#!/bin/sh
# The machine `tools`: a learner's programs and the shop's files. What it serves at port 3000 says only that it is there.
set -eu
cat /lab/ca-certificates.crt /lab/pki/hub-ca.pem > /etc/ssl/certs/ca-certificates.crt
[ -e /srv/lab/token ] && [ -e /root/shop/token ] || python3 -I /lab/tools/tools.py prepare
mkdir -p /run/ping && echo ready > /run/ping/index.html
exec busybox httpd -f -p 3000 -h /run/ping
