labkit limit hub --pulls 2
labkit shell workstation <<'END'
docker logout # whoever is signed in has the account's limit
until docker manifest inspect busybox 2>&1 | grep -q toomanyrequests; do :; done
TOKEN=$(curl -s "https://auth.docker.io/token?service=registry.docker.io&scope=repository:ratelimitpreview/test:pull" | jq -r .token)
curl -s --head -H "Authorization: Bearer $TOKEN" https://registry-1.docker.io/v2/ratelimitpreview/test/manifests/latest
END
labkit shell mirror <<'END'
sed /registry-1.docker.io/d /etc/hosts > /tmp/hosts && cat /tmp/hosts > /etc/hosts # of the last time
grep -q ^proxy: /etc/docker/registry/config.yml || cat >> /etc/docker/registry/config.yml <<'CONFIG'
proxy:
  remoteurl: https://registry-1.docker.io
CONFIG
pkill -x docker-registry
until ! pidof docker-registry > /dev/null; do sleep 0.1; done
until curl -s http://localhost:5000/v2/; do sleep 0.1; done
END
for worker in worker1 worker2; do
  labkit shell $worker <<'END'
echo '{"registry-mirrors": ["http://mirror:5000"]}' > /etc/docker/daemon.json
pkill -HUP -x dockerd
until docker info 2> /dev/null | grep -q http://mirror:5000/; do sleep 0.1; done
END
  docker --context $worker image rm busybox 2> /dev/null
  docker --context $worker pull busybox
done
labkit shell mirror <<'END'
echo 127.0.0.1 registry-1.docker.io >> /etc/hosts
while ss -Htn state established '( dport = :443 )' | grep -q .; do sleep 0.2; done # until what is open has ended
while [ $(($(date +%s) - $(stat -c %Y /etc/hosts))) -lt 7 ]; do sleep 0.2; done # a Go program looks at it anew after five seconds
END
docker --context worker2 image rm busybox
docker --context worker2 pull busybox
