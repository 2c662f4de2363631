# expect: in_hub=passed in_private=passed in_harbor=passed in_nexus=passed in_ecr=registries-no-place in_acr=passed in_artifact=registries-no-place same_digest=blocked no_place=registries-not-refused expired=registries-not-expired immutable=registries-not-immutable runs=quiz-open signs_in=quiz-open exists=quiz-open tags=quiz-open cleaned=quiz-open limits=quiz-open teams=quiz-open reasons=reflection-short
# Amazon ECR and Artifact Registry want a repository first
at hub private harbor nexus to_ecr acr to_artifact
at to_harbor
