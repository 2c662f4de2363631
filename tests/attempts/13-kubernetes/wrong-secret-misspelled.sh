# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=k8s-secret-name asked=passed gently=passed hidden=passed valid=passed
whole; PULL='imagePullSecrets: [{name: puller}]'
deployment | keep app.yaml
