# expect: image_pushed=push-other-registry pull_secret=passed by_digest=blocked secret_used=blocked asked=passed gently=passed hidden=passed valid=passed
login; tag; push; secret | keep secret.yaml; deployment myusername/myapp:v1.0.0 | keep app.yaml
