# expect: image_pushed=passed pull_secret=passed by_digest=passed secret_used=passed asked=passed gently=passed hidden=passed valid=k8s-no-object
whole; deployment | keep app.yaml; keep notes.yaml <<< 'todo: [probes]'
