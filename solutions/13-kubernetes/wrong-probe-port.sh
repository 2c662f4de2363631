# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=k8s-probe-port gently=passed hidden=passed valid=passed
whole; ALIVE='livenessProbe: {httpGet: {path: /, port: 80}}'
deployment | keep app.yaml
