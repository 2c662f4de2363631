# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=k8s-secret-unused asked=passed gently=passed hidden=passed valid=passed
whole; PULL=''
deployment | keep app.yaml
