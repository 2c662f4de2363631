# expect: in_hub=registries-unused in_private=registries-unused in_harbor=registries-unused in_nexus=registries-unused in_ecr=registries-unused in_acr=passed in_artifact=registries-unused same_digest=blocked no_place=registries-not-refused expired=registries-not-expired immutable=registries-new-tag runs=quiz-open signs_in=quiz-open exists=quiz-open tags=quiz-open cleaned=quiz-open limits=quiz-open teams=quiz-open reasons=reflection-short
# a locked repository refuses a tag that is new, of an image that it has
at acr
on workstation <<'END'
az acr repository update -n myregistry --repository myapp --write-enabled false
docker tag myapp:latest myregistry.azurecr.io/myapp:v9
docker push myregistry.azurecr.io/myapp:v9
END
