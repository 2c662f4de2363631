# expect: all passed
at to_harbor to_ecr to_artifact hub private harbor nexus ecr acr
on workstation <<END
gcloud artifacts repositories create my-repository --repository-format=docker --location=europe-west1
docker logout $google
gcloud auth configure-docker $google --quiet
docker tag myapp:latest $google/my-project/my-repository/myapp:v1.0.0
docker push $google/my-project/my-repository/myapp:v1.0.0
END
expired
at fixed moved
table reflection="$why"
