# expect: all passed
in_private; deployment | keep app.yaml; login
on kubernetes <<'END'
for registry in https://index.docker.io/v1/ registry.lab:5000; do echo $REGISTRY_PASSWORD | docker login $registry -u $REGISTRY_USER --password-stdin; done
kubectl create secret docker-registry pull --from-file=.dockerconfigjson=$HOME/.docker/config.json --dry-run=client -o yaml > secret.yaml
END
