# expect: image_pushed=passed pull_secret=passed by_digest=k8s-image-id secret_used=blocked asked=passed gently=passed hidden=passed valid=passed
whole; deployment $IMAGE@$(docker image inspect --format '{{.Id}}' $IMAGE:v1.0.0) | keep app.yaml
