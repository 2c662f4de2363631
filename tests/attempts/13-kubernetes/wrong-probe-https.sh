# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=k8s-probe-scheme gently=passed hidden=passed valid=passed
whole; READY='readinessProbe: {httpGet: {path: /, port: 8080, scheme: HTTPS}}'
deployment | keep app.yaml
