# expect: image_pushed=passed pull_secret=passed by_digest=k8s-by-tag secret_used=blocked asked=passed gently=passed hidden=passed valid=passed
whole; deployment $IMAGE:v1.0.0 | keep app.yaml
