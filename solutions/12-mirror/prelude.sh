# The pull limit and the mirror, one word a step.
limited() { # the pull limit, met on the workstation, and read
  labkit limit hub --pulls 2
  on workstation <<'END'
until docker manifest inspect busybox 2>&1 | grep -q toomanyrequests; do :; done
END
  headers
}
headers() { # what Docker Hub's documentation says to ask for the headers of the limit
  on workstation <<'END'
TOKEN=$(curl -s "https://auth.docker.io/token?service=registry.docker.io&scope=repository:ratelimitpreview/test:pull" | jq -r .token)
curl -s --head -H "Authorization: Bearer $TOKEN" https://registry-1.docker.io/v2/ratelimitpreview/test/manifests/latest | grep ratelimit
END
}
proxy() { # proxy [UPSTREAM]: the registry on the machine mirror becomes a cache
  on mirror <<END
printf 'proxy:\n  remoteurl: ${1:-https://registry-1.docker.io}\n' >> /etc/docker/registry/config.yml
END
  restarted
}
restarted() { # starts the mirror's registry again, and waits until it answers
  on mirror <<'END'
pkill -x docker-registry
while pidof docker-registry > /dev/null; do sleep 0.1; done
for _ in $(seq 100); do curl -s http://localhost:5000/v2/ > /dev/null && exit; sleep 0.1; done
END
}
mirrored() { # mirrored MACHINE [URL]: its engine asks the mirror first
  on "$1" <<END
echo '{"registry-mirrors": ["${2:-http://mirror:5000}"]}' > /etc/docker/daemon.json
pkill -HUP -x dockerd
for _ in \$(seq 100); do docker info 2> /dev/null | grep -q '${2:-http://mirror:5000}' && exit; sleep 0.1; done
END
}
cut_off() { # Docker Hub is away for the mirror: once what is open has ended, and a Go program looks at /etc/hosts anew, after five seconds
  on mirror <<'END'
echo 127.0.0.1 registry-1.docker.io >> /etc/hosts
while ss -Htn state established '( dport = :443 )' | grep -q .; do sleep 0.2; done
while [ $(($(date +%s) - $(stat -c %Y /etc/hosts))) -lt 7 ]; do sleep 0.2; done
END
}
reconnected() { on mirror <<< "sed /registry-1.docker.io/d /etc/hosts > /tmp/hosts; cat /tmp/hosts > /etc/hosts; rm /tmp/hosts"; }
again() { docker --context "$1" image rm "${2:-busybox}" > /dev/null; docker --context "$1" pull "${2:-busybox}"; }
both() { mirrored worker1 && mirrored worker2; }
pulled() { docker --context worker1 pull "${1:-busybox}" && docker --context worker2 pull "${1:-busybox}"; }
