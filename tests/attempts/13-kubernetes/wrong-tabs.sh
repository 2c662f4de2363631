# expect: image_pushed=passed pull_secret=passed by_digest=k8s-no-yaml secret_used=blocked asked=k8s-no-yaml gently=k8s-no-yaml hidden=passed valid=k8s-no-yaml
whole; deployment | sed 's/^      containers/\t containers/' | keep app.yaml
