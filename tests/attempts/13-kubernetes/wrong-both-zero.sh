# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=passed gently=k8s-stuck hidden=passed valid=passed
whole; STRATEGY='strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 0}}'
deployment | keep app.yaml
