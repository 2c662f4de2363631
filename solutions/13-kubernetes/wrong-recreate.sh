# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=passed gently=k8s-recreate hidden=passed valid=passed
whole; STRATEGY='strategy: {type: Recreate}'
deployment | keep app.yaml
