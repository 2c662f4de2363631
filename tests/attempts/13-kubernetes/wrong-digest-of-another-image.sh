# expect: image_pushed=passed pull_secret=passed by_digest=k8s-other-digest secret_used=blocked asked=passed gently=passed hidden=passed valid=passed
whole; deployment $IMAGE@sha256:$(printf %064d 7) | keep app.yaml
