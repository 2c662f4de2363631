# expect: image_pushed=passed pull_secret=k8s-part-missing by_digest=k8s-part-missing secret_used=blocked asked=k8s-part-missing gently=k8s-part-missing hidden=blocked valid=k8s-part-missing
whole; deployment | keep app.yaml
on kubernetes <<< "pkill busybox"
wait_for "the machine has ended" sh -c '! labkit shell kubernetes true'
