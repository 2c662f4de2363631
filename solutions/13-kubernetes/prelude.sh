# The image in the private registry, and manifests on the machine kubernetes. A word's parts can be said anew before it is called.
IMAGE=registry.lab:5000/myusername/myapp
in_private() { docker login registry.lab:5000 -u myusername -p mypassword; docker tag "${1:-myapp}" $IMAGE:v1.0.0; docker push -q $IMAGE:v1.0.0; }
digest() { docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' $IMAGE:v1.0.0 | sed -n "s,^$IMAGE@,,p" | head -n 1; }
there() { labkit shell kubernetes "$@"; }
secret() { # secret [SERVER [USER [PASSWORD [NAME]]]]: its manifest, on standard output
  there kubectl create secret docker-registry "${4:-pull}" --docker-server="${1:-registry.lab:5000}" \
    --docker-username="${2:-myusername}" --docker-password="${3:-mypassword}" --dry-run=client -o yaml
}
keep() { there tee "$1" > /dev/null; } # keep FILE: what comes on standard input, in the folder of the manifests
PULL='imagePullSecrets: [{name: pull}]'
READY='readinessProbe: {httpGet: {path: /, port: 8080}}'
ALIVE='livenessProbe: {httpGet: {path: /, port: 8080}}'
STRATEGY='strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}'
REPLICAS='replicas: 3' KIND='Deployment' API=apps/v1 META='name: myapp' LABEL='app: myapp' MORE='' TEMPLATE_MORE='' SPEC_MORE=''
deployment() { # deployment [IMAGE]: its manifest, on standard output
  cat <<END
apiVersion: $API
kind: $KIND
metadata: {$META}
spec:
  $REPLICAS
  $STRATEGY
  $SPEC_MORE
  selector: {matchLabels: {app: myapp}}
  template:
    metadata: {labels: {$LABEL}}
    spec:
      $PULL
      $TEMPLATE_MORE
      containers:
        - name: myapp
          image: ${1:-$IMAGE@$(digest)}
          $READY
          $ALIVE
          $MORE
END
}
whole() { in_private; secret | keep secret.yaml; } # all but the Deployment
