# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=k8s-secret-namespace asked=passed gently=passed hidden=passed valid=passed
whole; META='name: myapp, namespace: shop'
deployment | keep app.yaml
