# expect: in_hub=registries-unused in_private=registries-unused in_harbor=registries-unused in_nexus=registries-unused in_ecr=registries-unused in_acr=registries-unused in_artifact=registries-unused same_digest=blocked no_place=registries-not-refused expired=registries-not-expired immutable=registries-not-immutable runs=passed signs_in=passed exists=passed tags=passed cleaned=passed limits=passed teams=passed reasons=passed
# pushed, and deleted afterwards
at ecr
on workstation <<'END'
aws ecr batch-delete-image --repository-name myapp --image-ids imageTag=v1.0.0 --region eu-central-1
END
table reflection="$why"
