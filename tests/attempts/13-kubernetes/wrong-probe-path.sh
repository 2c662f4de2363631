# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=k8s-probe-path gently=passed hidden=passed valid=passed
whole; READY='readinessProbe: {httpGet: {path: /healthz, port: 8080}}'
deployment | keep app.yaml
