# expect: image_pushed=passed pull_secret=passed by_digest=k8s-other-registry secret_used=blocked asked=k8s-no-probe gently=k8s-replicas hidden=passed valid=passed
whole; PULL='' READY='' ALIVE='' STRATEGY='' REPLICAS=''
deployment myapp:latest | keep app.yaml
