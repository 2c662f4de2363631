# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=k8s-no-probe gently=passed hidden=passed valid=passed
whole; ALIVE=''
deployment | keep app.yaml
