# expect: image_pushed=passed pull_secret=passed by_digest=k8s-other-digest secret_used=blocked asked=passed gently=passed hidden=passed valid=passed
whole; deployment | keep app.yaml; changed other; in_private other
