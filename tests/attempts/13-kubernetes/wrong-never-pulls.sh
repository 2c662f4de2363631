# expect: image_pushed=passed pull_secret=passed by_digest=k8s-never-pulls secret_used=blocked asked=passed gently=passed hidden=passed valid=passed
whole; MORE='imagePullPolicy: Never'
deployment | keep app.yaml
