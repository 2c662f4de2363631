# expect: image_pushed=passed pull_secret=passed by_digest=k8s-other-kind secret_used=blocked asked=k8s-other-kind gently=k8s-other-kind hidden=passed valid=k8s-other-kind
whole
keep pod.yaml <<END
apiVersion: v1
kind: Pod
metadata: {name: myapp}
spec:
  imagePullSecrets: [{name: pull}]
  containers:
    - {name: myapp, image: "$IMAGE@$(digest)", $READY, $ALIVE}
END
