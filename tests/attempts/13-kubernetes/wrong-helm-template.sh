# expect: image_pushed=passed pull_secret=passed by_digest=k8s-template secret_used=blocked asked=k8s-template gently=k8s-template hidden=passed valid=k8s-template
whole; deployment '{{ .Values.image }}' | keep app.yaml
