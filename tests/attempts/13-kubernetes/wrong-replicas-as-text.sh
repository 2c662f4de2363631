# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=passed gently=k8s-replicas hidden=passed valid=k8s-schema
whole; REPLICAS='replicas: "3"'
deployment | keep app.yaml
