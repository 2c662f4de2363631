# expect: image_pushed=passed pull_secret=k8s-secret-registry by_digest=passed secret_used=blocked asked=passed gently=passed hidden=blocked valid=passed
in_private; secret registry.lab | keep secret.yaml; deployment | keep app.yaml
