# expect: image_pushed=passed pull_secret=passed by_digest=k8s-other-kind secret_used=blocked asked=k8s-other-kind gently=k8s-other-kind hidden=passed valid=k8s-other-kind
whole; KIND=StatefulSet STRATEGY='serviceName: myapp'
deployment | keep app.yaml
