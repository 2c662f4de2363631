# expect: image_pushed=passed pull_secret=k8s-secret-type by_digest=passed secret_used=blocked asked=passed gently=passed hidden=blocked valid=passed
in_private; deployment | keep app.yaml
on kubernetes <<'END'
kubectl create secret generic pull --from-literal=.dockerconfigjson='{"auths": {}}' --dry-run=client -o yaml > secret.yaml
END
