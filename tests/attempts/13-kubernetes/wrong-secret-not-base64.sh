# expect: image_pushed=passed pull_secret=k8s-secret-unreadable by_digest=passed secret_used=blocked asked=passed gently=passed hidden=blocked valid=passed
in_private; deployment | keep app.yaml
keep secret.yaml <<'END'
apiVersion: v1
kind: Secret
metadata: {name: pull}
type: kubernetes.io/dockerconfigjson
data:
  .dockerconfigjson: '{"auths": {}}'
END
