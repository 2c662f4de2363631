# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=passed gently=passed hidden=k8s-plain valid=passed
whole; { echo '# the account: myusername, mypassword'; deployment; } | keep app.yaml
