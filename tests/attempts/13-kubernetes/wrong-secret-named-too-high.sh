# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=k8s-secret-misplaced asked=passed gently=passed hidden=passed valid=k8s-schema
whole; PULL='' SPEC_MORE='imagePullSecrets: [{name: pull}]'
deployment | keep app.yaml
