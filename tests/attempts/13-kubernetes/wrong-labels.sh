# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=passed gently=passed hidden=passed valid=k8s-selector
whole; LABEL='app: shop'
deployment | keep app.yaml
