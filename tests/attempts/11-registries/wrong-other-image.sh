# expect: in_hub=passed in_private=registries-unused in_harbor=registries-unused in_nexus=registries-unused in_ecr=registries-unused in_acr=registries-unused in_artifact=push-other-image same_digest=blocked no_place=registries-not-refused expired=registries-not-expired immutable=registries-not-immutable runs=quiz-open signs_in=quiz-open exists=quiz-open tags=quiz-open cleaned=quiz-open limits=quiz-open teams=quiz-open reasons=reflection-short
at hub
printf 'docker pull -q busybox\n' | on workstation
app=busybox at artifact
