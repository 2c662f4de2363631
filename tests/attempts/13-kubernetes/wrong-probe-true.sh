# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=k8s-probe-exec gently=passed hidden=passed valid=passed
whole; ALIVE='livenessProbe: {exec: {command: ["true"]}}'
deployment | keep app.yaml
