# expect: image_pushed=passed pull_secret=passed by_digest=k8s-other-registry secret_used=blocked asked=passed gently=passed hidden=passed valid=passed
whole; login; tag; push; deployment myusername/myapp@$(digest) | keep app.yaml
