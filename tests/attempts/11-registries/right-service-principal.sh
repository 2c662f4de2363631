# expect: all passed
# Azure's registry by a service principal, as a pipeline would
at to_harbor to_ecr to_artifact hub private harbor nexus ecr artifact
on workstation <<'END'
az ad sp create-for-rbac --name ci --scopes $(az acr show --name myregistry --query id --output tsv) --role acrpush > sp.json
jq -r .password sp.json | docker login -u "$(jq -r .appId sp.json)" --password-stdin myregistry.azurecr.io
docker tag myapp:latest myregistry.azurecr.io/myapp:v1.0.0
docker push myregistry.azurecr.io/myapp:v1.0.0
rm sp.json
END
expired
at fixed moved
table reflection="$why"
