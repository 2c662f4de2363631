# expect: in_hub=registries-unused in_private=registries-unused in_harbor=registries-unused in_nexus=registries-unused in_ecr=registries-unused in_acr=passed in_artifact=registries-unused same_digest=blocked no_place=registries-not-refused expired=registries-not-expired immutable=passed runs=quiz-open signs_in=quiz-open exists=quiz-open tags=quiz-open cleaned=quiz-open limits=quiz-open teams=quiz-open reasons=reflection-short
# the whole repository is locked: docker is refused at the first layer, before it names the tag
at acr
on workstation <<'END'
az acr repository update -n myregistry --repository myapp --write-enabled false
docker pull -q busybox
printf 'FROM busybox\nRUN echo other > /other\n' | docker build -q -t other -
docker tag other myregistry.azurecr.io/myapp:v1.0.0
docker push myregistry.azurecr.io/myapp:v1.0.0
END
