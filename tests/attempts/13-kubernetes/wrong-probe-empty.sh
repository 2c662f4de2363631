# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=k8s-probe-empty gently=passed hidden=passed valid=passed
whole; ALIVE='livenessProbe: {periodSeconds: 5}'
deployment | keep app.yaml
