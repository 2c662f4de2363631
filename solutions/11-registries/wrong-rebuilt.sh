# expect: in_hub=passed in_private=passed in_harbor=passed in_nexus=passed in_ecr=passed in_acr=passed in_artifact=passed same_digest=registries-rebuilt no_place=passed expired=registries-not-expired immutable=registries-not-immutable runs=quiz-open signs_in=quiz-open exists=quiz-open tags=quiz-open cleaned=quiz-open limits=quiz-open teams=quiz-open reasons=reflection-short
# built again between the pushes
at to_harbor to_ecr to_artifact hub private
changed myapp:latest
at harbor nexus ecr acr artifact
