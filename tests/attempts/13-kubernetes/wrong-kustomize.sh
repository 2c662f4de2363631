# expect: image_pushed=passed pull_secret=k8s-kustomize by_digest=k8s-kustomize secret_used=blocked asked=k8s-kustomize gently=k8s-kustomize hidden=blocked valid=k8s-kustomize
whole; deployment | keep app.yaml
keep kustomization.yaml <<< 'resources: [secret.yaml, deployment.yaml]'
