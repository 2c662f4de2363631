# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=passed gently=passed hidden=k8s-plain valid=passed
whole; MORE='env: [{name: REGISTRY_PASSWORD, value: mypassword}]'
deployment | keep app.yaml
