# expect: all passed
# Azure's registry by a token that az shows, as where az finds no docker
at to_harbor to_ecr to_artifact hub private harbor nexus ecr artifact
on workstation <<'END'
az acr login -n myregistry --expose-token --output tsv --query accessToken |
  docker login myregistry.azurecr.io -u 00000000-0000-0000-0000-000000000000 --password-stdin
docker tag myapp:latest myregistry.azurecr.io/myapp:v1.0.0
docker push myregistry.azurecr.io/myapp:v1.0.0
END
expired
at fixed moved
table reflection="$why"
