# expect: in_hub=registries-unused in_private=registries-unused in_harbor=registries-unused in_nexus=registries-unused in_ecr=passed in_acr=registries-unused in_artifact=registries-unused same_digest=blocked no_place=registries-not-refused expired=registries-not-expired immutable=passed runs=quiz-open signs_in=quiz-open exists=quiz-open tags=quiz-open cleaned=quiz-open limits=quiz-open teams=quiz-open reasons=reflection-short
# Amazon ECR refuses the same image too: whoever is refused this one cannot move the tag to another
at ecr fixed again
