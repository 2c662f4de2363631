# expect: image_pushed=passed pull_secret=passed by_digest=k8s-image-name secret_used=blocked asked=k8s-no-probe gently=passed hidden=passed valid=k8s-schema
whole; deployment | sed s/containers:/container:/ | keep app.yaml
