# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=passed gently=passed hidden=passed valid=k8s-api
whole; API=extensions/v1beta1
deployment | keep app.yaml
