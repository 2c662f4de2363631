# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=k8s-secret-list asked=passed gently=passed hidden=passed valid=k8s-schema
whole; PULL='imagePullSecrets: [pull]'
deployment | keep app.yaml
