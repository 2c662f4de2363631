# expect: in_hub=registries-unused in_private=registries-unused in_harbor=registries-unused in_nexus=registries-unused in_ecr=registries-unused in_acr=push-not-image in_artifact=registries-unused same_digest=blocked no_place=registries-not-refused expired=registries-not-expired immutable=registries-not-immutable runs=quiz-open signs_in=quiz-open exists=quiz-open tags=quiz-open cleaned=quiz-open limits=quiz-open teams=quiz-open reasons=reflection-short
# a file as an OCI artifact
on workstation <<'END'
az acr login -n myregistry
echo hello > /tmp/hello.txt
cd /tmp && oras push myregistry.azurecr.io/myapp:v1.0.0 hello.txt
END
