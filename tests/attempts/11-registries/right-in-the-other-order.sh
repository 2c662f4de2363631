# expect: all passed
# the cloud first, Docker Hub last
at to_artifact to_ecr to_harbor artifact acr ecr nexus harbor private hub
expired
at fixed moved
table reflection="$why"
