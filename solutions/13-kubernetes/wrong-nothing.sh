# expect: image_pushed=push-none pull_secret=k8s-no-secret by_digest=blocked secret_used=blocked asked=k8s-no-manifest gently=k8s-no-manifest hidden=blocked valid=k8s-no-manifest
true
