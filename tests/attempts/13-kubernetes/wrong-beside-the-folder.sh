# expect: image_pushed=passed pull_secret=passed by_digest=k8s-no-deployment secret_used=blocked asked=k8s-no-deployment gently=k8s-no-deployment hidden=passed valid=k8s-no-deployment
whole; deployment | keep ../app.yaml
