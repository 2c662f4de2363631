# 08-secure: the steps of the lesson, typed on the machine tools. An attempt says a step anew before it calls the next ones.
HOST=workstation:5000 SAN=DNS:workstation PROJECT=myproject TAG=v1.0.0 SHOP=harbor.lab/myproject/shop
tools() { on tools; }
certificate() { # certificate [OPTION…]: in certs/, for the name that SAN says
  tools <<< "mkdir -p certs; openssl req -x509 -newkey rsa:2048 -noenc -days 365 -subj /CN=${CN:-workstation} ${SAN:+-addext subjectAltName=$SAN} -keyout certs/key.pem -out certs/cert.pem $* 2> /dev/null
htpasswd -Bbn alice wonderland > certs/htpasswd"
}
TLS='-e REGISTRY_HTTP_TLS_CERTIFICATE=/certs/cert.pem -e REGISTRY_HTTP_TLS_KEY=/certs/key.pem'
AUTH='-e REGISTRY_AUTH=htpasswd -e REGISTRY_AUTH_HTPASSWD_REALM=mine -e REGISTRY_AUTH_HTPASSWD_PATH=/certs/htpasswd'
registry() { # registry OPTION…: started anew
  tools <<< "docker rm -f registry > /dev/null 2>&1; docker create -q --name registry -p 5000:5000 $* registry:2 > /dev/null && docker cp -q certs registry:/certs && docker start registry > /dev/null"
  wait_for 'the registry' labkit shell workstation sh -c "curl -sk https://localhost:5000/v2/ || curl -s http://localhost:5000/v2/"
}
trust() { # trust MACHINE…: its certificate, on these
  for machine; do
    labkit shell tools cat certs/cert.pem | labkit shell "$machine" sh -c "mkdir -p /etc/docker/certs.d/$HOST && cat > /etc/docker/certs.d/$HOST/ca.crt"
  done
}
helper() { tools <<< "gpg --batch --quiet --passphrase '' --quick-generate-key lab && pass init lab > /dev/null && mkdir -p ~/.docker && echo '{\"credsStore\": \"pass\"}' > ~/.docker/config.json"; }
sign_in() { tools <<< "echo wonderland | docker login -u alice --password-stdin $HOST"; }
carry() { # on the workstation's engine, then on a worker, which forgets its sign-in again
  tools <<< "docker tag myapp $HOST/myapp && docker push -q $HOST/myapp"
  on worker1 <<< "echo wonderland | docker login -u alice --password-stdin $HOST 2> /dev/null && docker pull -q $HOST/myapp && docker logout $HOST"
}
own() { certificate; registry $TLS $AUTH; trust workstation worker1 worker2; helper; sign_in; carry; } # checks 1 to 4, done
project() { tools <<< "curl -sS -u myusername:mypassword -H 'Content-Type: application/json' -d '{\"project_name\": \"$PROJECT\"${1:-}}' https://harbor.lab/api/v2.0/projects; echo mypassword | docker login -u myusername --password-stdin harbor.lab 2> /dev/null"; }
DOCKERFILE='FROM busybox
COPY index.html /www/index.html
RUN --mount=type=secret,id=token --mount=type=bind,source=prices.sh,target=/prices.sh TOKEN=$(cat /run/secrets/token) sh /prices.sh > /www/prices.txt
CMD ["sh", "-c", "trap '"'exit 0'"' TERM; httpd -f -p 8080 -h /www & wait"]'
BUILD='--secret id=token,src=token'
build() { printf '%s\n' "$DOCKERFILE" | labkit shell tools sh -c 'cat > Dockerfile'; tools <<< "docker build -q $BUILD -t $SHOP:$TAG . && docker push -q $SHOP:$TAG"; }
keys() { tools <<< 'rm -f cosign.key cosign.pub; cosign generate-key-pair 2> /dev/null'; }
sign() { tools <<< "docker image inspect --format '{{index .RepoDigests 0}}' $SHOP:$TAG | xargs cosign sign --yes --tlog-upload=false --key cosign.key 2> /dev/null"; }
PULL='{"resource": "repository", "action": "pull"}' PUSH='{"resource": "repository", "action": "push"}'
robot() { # robot [PERMISSIONS]: made, and signed in
  tools <<END
curl -sS -u myusername:mypassword -H 'Content-Type: application/json' -d '{"name": "${NAME:-swarm}", "level": "project", "duration": -1, "permissions": [{"kind": "project", "namespace": "$PROJECT", "access": [${1:-$PULL}]}]}' https://harbor.lab/api/v2.0/robots > robot.json
jq -r .secret robot.json | docker --config robot login -u "\$(jq -r .name robot.json)" --password-stdin harbor.lab 2> /dev/null
END
}
GUARD='verified=$(cosign verify --key cosign.pub --insecure-ignore-tlog "$1") || exit 1
image=${1%:*}@$(echo "$verified" | jq -r ".[0].critical.image[\"docker-manifest-digest\"]")'
UPDATE='docker --config robot service update --detach --update-parallelism 0 --with-registry-auth --image "$image" shop'
CREATE='docker --config robot service create --detach --with-registry-auth --name shop --replicas 3 "$image"'
script() { # writes deploy.sh
  printf '#!/bin/sh\nset -u\n%s\nif docker service inspect shop > /dev/null 2>&1\nthen %s\nelse %s\nfi\n' \
    "$GUARD" "$UPDATE" "$CREATE" | labkit shell tools sh -c 'cat > deploy.sh'
}
deploy() { tools <<< "sh deploy.sh ${1:-$SHOP:$TAG}"; wait_for 'the shop' replicas shop '[1-3]/3'; }
leak() { tools <<< "docker --config robot push $SHOP:$TAG > /dev/null 2>&1 || true"; }
released() { project; build; keys; sign; }        # checks 5 and 6, done
deployed() { robot; script; deploy; leak; }       # 7 and 8
tried() { labkit check 08-secure $(printf -- ' --try %s' "$@" | sed 's/ --try $//') || true; } # tried [KIND…]
secured() { own; released; deployed; tried "$@"; }
