# expect: all passed
at to_harbor to_ecr to_artifact hub harbor nexus ecr artifact
on workstation <<'END'
docker login -u myusername -p mypassword registry.lab:5000
az acr login -n myregistry
oras cp registry-1.docker.io/myusername/myapp:v1.0.0 registry.lab:5000/myusername/myapp:v1.0.0
oras cp harbor.lab/myproject/myapp:v1.0.0 myregistry.azurecr.io/myapp:v1.0.0
END
expired
at fixed moved
table reflection="$why"
