# expect: all passed
in_private; deployment | keep app.yaml
on kubernetes <<'END'
echo $REGISTRY_PASSWORD | docker login registry.lab:5000 -u $REGISTRY_USER --password-stdin
kubectl create secret generic pull --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=$HOME/.docker/config.json --dry-run=client -o yaml > secret.yaml
END
