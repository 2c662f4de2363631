# expect: in_hub=registries-unused in_private=registries-unused in_harbor=registries-unused in_nexus=registries-unused in_ecr=passed in_acr=registries-unused in_artifact=registries-unused same_digest=blocked no_place=registries-not-refused expired=registries-not-expired immutable=registries-not-immutable runs=passed signs_in=passed exists=passed tags=passed cleaned=passed limits=passed teams=passed reasons=passed
at ecr
at token
table reflection="$why"
