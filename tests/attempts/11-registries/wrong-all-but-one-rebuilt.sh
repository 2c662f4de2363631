# expect: in_hub=passed in_private=passed in_harbor=passed in_nexus=passed in_ecr=passed in_acr=passed in_artifact=passed same_digest=registries-rebuilt no_place=passed expired=registries-not-expired immutable=registries-not-immutable runs=quiz-open signs_in=quiz-open exists=quiz-open tags=quiz-open cleaned=quiz-open limits=quiz-open teams=quiz-open reasons=reflection-short
# six agree, and Docker Hub has the older image
at to_harbor to_ecr to_artifact hub
changed myapp:latest
at private harbor nexus ecr acr artifact
