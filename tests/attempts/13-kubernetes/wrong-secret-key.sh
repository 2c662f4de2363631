# expect: image_pushed=passed pull_secret=k8s-secret-key by_digest=passed secret_used=blocked asked=passed gently=passed hidden=blocked valid=passed
in_private; deployment | keep app.yaml
secret | sed s/.dockerconfigjson:/config.json:/ | keep secret.yaml
