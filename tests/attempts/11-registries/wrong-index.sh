# expect: in_hub=passed in_private=passed in_harbor=passed in_nexus=passed in_ecr=passed in_acr=passed in_artifact=passed same_digest=registries-repacked no_place=passed expired=passed immutable=passed runs=passed signs_in=passed exists=passed tags=passed cleaned=passed limits=passed teams=passed reasons=passed
# an index around the image
at to_harbor to_ecr to_artifact hub private harbor nexus ecr artifact
on workstation <<'END'
az acr login -n myregistry
docker tag myapp myregistry.azurecr.io/myapp:amd64
docker push myregistry.azurecr.io/myapp:amd64
docker manifest create myregistry.azurecr.io/myapp:v1.0.0 myregistry.azurecr.io/myapp:amd64
docker manifest push myregistry.azurecr.io/myapp:v1.0.0
END
expired
at fixed moved
table reflection="$why"
