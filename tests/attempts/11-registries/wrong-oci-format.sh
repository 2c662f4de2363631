# expect: in_hub=passed in_private=passed in_harbor=passed in_nexus=passed in_ecr=passed in_acr=passed in_artifact=passed same_digest=registries-repacked no_place=passed expired=passed immutable=passed runs=passed signs_in=passed exists=passed tags=passed cleaned=passed limits=passed teams=passed reasons=passed
# the same image, its manifest written anew
at to_harbor to_ecr to_artifact hub harbor nexus ecr acr artifact
on workstation <<'END'
docker login -u myusername -p mypassword registry.lab:5000
skopeo copy --authfile ~/.docker/config.json --format oci docker://docker.io/myusername/myapp:v1.0.0 docker://registry.lab:5000/myusername/myapp:v1.0.0
END
expired
at fixed moved
table reflection="$why"
