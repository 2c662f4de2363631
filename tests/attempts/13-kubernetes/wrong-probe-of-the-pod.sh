# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=k8s-no-probe gently=passed hidden=passed valid=k8s-schema
whole; READY='' TEMPLATE_MORE='readinessProbe: {httpGet: {path: /, port: 8080}}'
deployment | keep app.yaml
