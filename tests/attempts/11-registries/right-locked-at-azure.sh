# expect: all passed
# the other image was refused by a lock
seven
expired
on workstation <<'END'
az acr repository update -n myregistry --image myapp:v1.0.0 --write-enabled false
docker pull -q busybox
docker tag busybox myregistry.azurecr.io/myapp:v1.0.0
docker push myregistry.azurecr.io/myapp:v1.0.0
END
table reflection="$why"
