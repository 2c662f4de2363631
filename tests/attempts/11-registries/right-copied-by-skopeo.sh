# expect: all passed
# one push; skopeo brings the same manifest to the others
at to_harbor to_ecr to_artifact
at hub project repository token place google
on workstation <<END
docker login -u myusername -p mypassword registry.lab:5000
docker login -u myusername -p mypassword nexus.lab:8082
az acr login -n myregistry
for name in registry.lab:5000/myusername/myapp harbor.lab/myproject/myapp nexus.lab:8082/myapp $ecr/myapp \
    myregistry.azurecr.io/myapp $google/my-project/my-repository/myapp; do
  skopeo copy --all --authfile ~/.docker/config.json docker://docker.io/myusername/myapp:v1.0.0 docker://\$name:v1.0.0
done
END
expired
at fixed moved
table reflection="$why"
