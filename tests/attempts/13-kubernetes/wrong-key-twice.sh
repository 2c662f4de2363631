# expect: image_pushed=passed pull_secret=passed by_digest=k8s-key-twice secret_used=blocked asked=k8s-key-twice gently=k8s-key-twice hidden=passed valid=k8s-key-twice
whole; deployment | sed 's/^  replicas: 3/  replicas: 1\n  replicas: 3/' | keep app.yaml
