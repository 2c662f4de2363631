# expect: all passed
# the repository was made with immutable tags
at to_harbor to_ecr to_artifact hub private harbor nexus acr artifact
on workstation <<< 'aws ecr create-repository --repository-name myapp --image-tag-mutability IMMUTABLE --region eu-central-1'
at to_ecr
expired
at moved
table reflection="$why"
