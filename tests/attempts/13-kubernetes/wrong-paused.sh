# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=passed gently=k8s-paused hidden=passed valid=passed
whole; SPEC_MORE='paused: true'
deployment | keep app.yaml
