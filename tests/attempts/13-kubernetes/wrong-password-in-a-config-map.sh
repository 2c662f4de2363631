# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=passed gently=passed hidden=k8s-plain valid=passed
whole; deployment | keep app.yaml
on kubernetes <<'END'
kubectl create configmap settings --from-literal=auth=$(printf %s "$REGISTRY_USER:$REGISTRY_PASSWORD" | base64) --dry-run=client -o yaml > settings.yaml
END
