# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=passed gently=k8s-unavailable hidden=passed valid=passed
whole; STRATEGY='strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 100%, maxSurge: 0}}'
deployment | keep app.yaml
