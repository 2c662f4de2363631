# expect: image_pushed=passed pull_secret=passed by_digest=k8s-other-repository secret_used=blocked asked=passed gently=passed hidden=passed valid=passed
whole; deployment registry.lab:5000/myusername/webapp@$(digest) | keep app.yaml
