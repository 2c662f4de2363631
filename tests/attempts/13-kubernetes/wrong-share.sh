# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=passed gently=k8s-share hidden=passed valid=passed
whole; STRATEGY='strategy: {rollingUpdate: {maxUnavailable: one}}'
deployment | keep app.yaml
