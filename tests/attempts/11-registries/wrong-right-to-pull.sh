# expect: in_hub=registries-unused in_private=registries-unused in_harbor=registries-unused in_nexus=registries-unused in_ecr=registries-unused in_acr=registries-refused in_artifact=registries-unused same_digest=blocked no_place=registries-not-refused expired=registries-not-expired immutable=registries-not-immutable runs=quiz-open signs_in=quiz-open exists=quiz-open tags=quiz-open cleaned=quiz-open limits=quiz-open teams=quiz-open reasons=reflection-short
# a service principal that may only pull
on workstation <<'END'
az ad sp create-for-rbac --name ci --scopes $(az acr show --name myregistry --query id --output tsv) --role acrpull > sp.json
jq -r .password sp.json | docker login -u "$(jq -r .appId sp.json)" --password-stdin myregistry.azurecr.io
docker tag myapp:latest myregistry.azurecr.io/myapp:v1.0.0
docker push myregistry.azurecr.io/myapp:v1.0.0
rm sp.json
END
