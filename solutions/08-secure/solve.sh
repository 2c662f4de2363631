# On tools: a registry with a certificate and a list of users.
labkit shell tools <<'END'
set -e
mkdir -p certs
[ -e certs/cert.pem ] || openssl req -x509 -newkey rsa:2048 -noenc -days 365 -subj /CN=workstation -addext subjectAltName=DNS:workstation \
  -keyout certs/key.pem -out certs/cert.pem 2> /dev/null
htpasswd -Bbn alice wonderland > certs/htpasswd
docker rm -f registry > /dev/null 2>&1 || true
docker create -q --name registry -p 5000:5000 \
  -e REGISTRY_HTTP_TLS_CERTIFICATE=/certs/cert.pem -e REGISTRY_HTTP_TLS_KEY=/certs/key.pem \
  -e REGISTRY_AUTH=htpasswd -e REGISTRY_AUTH_HTPASSWD_REALM=mine -e REGISTRY_AUTH_HTPASSWD_PATH=/certs/htpasswd registry:2
docker cp -q certs registry:/certs
docker start registry
END
# All machines trust its certificate.
for machine in workstation worker1 worker2; do
  labkit shell tools cat certs/cert.pem | labkit shell $machine sh -c \
    'mkdir -p /etc/docker/certs.d/workstation:5000 && cat > /etc/docker/certs.d/workstation:5000/ca.crt'
done
# The sign-in is kept by pass. An image goes there, and to worker1.
labkit shell tools <<'END'
set -e
if [ ! -e ~/.password-store ]; then
  gpg --batch --quiet --passphrase '' --quick-generate-key lab
  pass init lab
  mkdir -p ~/.docker
  echo '{"credsStore": "pass"}' > ~/.docker/config.json
fi
until curl -sk https://workstation:5000/v2/ > /dev/null; do :; done
echo wonderland | docker login -u alice --password-stdin workstation:5000
docker tag myapp workstation:5000/myapp
docker push -q workstation:5000/myapp
END
labkit shell worker1 <<'END'
echo wonderland | docker login -u alice --password-stdin workstation:5000 2> /dev/null
docker pull -q workstation:5000/myapp
docker logout workstation:5000
END
# The shop without the token, on Harbor, signed. A robot for the Swarm, and a deploy.sh that lets only signed images through.
labkit shell tools <<'END'
set -e
curl -sS -u myusername:mypassword -H 'Content-Type: application/json' -d '{"project_name": "myproject"}' https://harbor.lab/api/v2.0/projects
echo mypassword | docker login -u myusername --password-stdin harbor.lab
cat > Dockerfile <<'FILE'
FROM busybox
COPY index.html /www/index.html
RUN --mount=type=secret,id=token --mount=type=bind,source=prices.sh,target=/prices.sh \
    TOKEN=$(cat /run/secrets/token) sh /prices.sh > /www/prices.txt
CMD ["sh", "-c", "trap 'exit 0' TERM; httpd -f -p 8080 -h /www & wait"]
FILE
docker build -q --secret id=token,src=token -t harbor.lab/myproject/shop:v1.0.0 .
docker push -q harbor.lab/myproject/shop:v1.0.0
[ -e cosign.key ] || cosign generate-key-pair
digest=$(docker image inspect --format '{{index .RepoDigests 0}}' harbor.lab/myproject/shop:v1.0.0)
cosign sign --yes --tlog-upload=false --key cosign.key "$digest"
if [ ! -e robot.json ]; then
  curl -sS -u myusername:mypassword -H 'Content-Type: application/json' -d '{"name": "swarm", "level": "project", "duration": -1,
    "permissions": [{"kind": "project", "namespace": "myproject", "access": [{"resource": "repository", "action": "pull"}]}]}' \
    https://harbor.lab/api/v2.0/robots > robot.json
  jq -r .secret robot.json | docker --config robot login -u "$(jq -r .name robot.json)" --password-stdin harbor.lab
fi
cat > deploy.sh <<'FILE'
#!/bin/sh
# Deploys an image as the service shop, if it is signed.   sh deploy.sh IMAGE
set -eu
verified=$(cosign verify --key cosign.pub --insecure-ignore-tlog "$1") || { echo "refused: $1 is not signed" >&2; exit 1; }
image=${1%:*}@$(echo "$verified" | jq -r '.[0].critical.image["docker-manifest-digest"]')
if docker service inspect shop > /dev/null 2>&1
then docker --config robot service update --detach --update-parallelism 0 --with-registry-auth --image "$image" shop
else docker --config robot service create --detach --with-registry-auth --name shop --replicas 3 "$image"
fi
FILE
sh deploy.sh harbor.lab/myproject/shop:v1.0.0
until docker service ls --filter name=shop --format '{{.Replicas}}' | grep -q '^3/3'; do :; done
docker --config robot push harbor.lab/myproject/shop:v1.0.0 > /dev/null 2>&1 || true
END
labkit check 08-secure || true
