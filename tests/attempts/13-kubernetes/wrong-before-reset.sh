# expect: image_pushed=passed pull_secret=k8s-no-secret by_digest=k8s-no-manifest secret_used=blocked asked=k8s-no-manifest gently=k8s-no-manifest hidden=blocked valid=k8s-no-manifest
whole; deployment | keep app.yaml; labkit reset 13-kubernetes
