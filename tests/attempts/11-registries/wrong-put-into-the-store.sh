# expect: in_hub=passed in_private=registries-unused in_harbor=push-not-by-push in_nexus=registries-unused in_ecr=registries-unused in_acr=registries-unused in_artifact=registries-unused same_digest=blocked no_place=registries-not-refused expired=registries-not-expired immutable=registries-not-immutable runs=quiz-open signs_in=quiz-open exists=quiz-open tags=quiz-open cleaned=quiz-open limits=quiz-open teams=quiz-open reasons=reflection-short
# the owner of the lab copies another image to where Harbor's images lie
at hub
typed_signed harbor.lab | on workstation
at project
owner edge sh -c 'cd /var/lib/registry/docker/registry/v2/repositories && mkdir -p harbor/myproject &&
  cp -r hub/library/busybox harbor/myproject/myapp && cd harbor/myproject/myapp/_manifests/tags && mv latest v1.0.0'
