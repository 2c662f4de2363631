ecr=123456789012.dkr.ecr.eu-central-1.amazonaws.com
google=europe-west1-docker.pkg.dev

# Before anybody has made a place for them, three registries refuse.
labkit shell workstation <<TYPED
docker login -u myusername -p mypassword harbor.lab
docker tag myapp:latest harbor.lab/nosuch/myapp:v1.0.0
docker push harbor.lab/nosuch/myapp:v1.0.0

aws ecr get-login-password --region eu-central-1 | docker login --username AWS --password-stdin $ecr
docker tag myapp:latest $ecr/nosuch:v1.0.0
docker push $ecr/nosuch:v1.0.0

gcloud auth print-access-token | docker login -u oauth2accesstoken --password-stdin https://$google
docker tag myapp:latest $google/my-project/nosuch/myapp:v1.0.0
docker push $google/my-project/nosuch/myapp:v1.0.0
true
TYPED

# The same image, to all seven.
labkit shell workstation <<TYPED
docker login -u myusername -p mypassword
docker tag myapp:latest myusername/myapp:v1.0.0
docker push myusername/myapp:v1.0.0

docker login -u myusername -p mypassword registry.lab:5000
docker tag myapp:latest registry.lab:5000/myusername/myapp:v1.0.0
docker push registry.lab:5000/myusername/myapp:v1.0.0

curl -sS -u myusername:mypassword -H 'Content-Type: application/json' -d '{"project_name": "myproject"}' https://harbor.lab/api/v2.0/projects
docker tag myapp:latest harbor.lab/myproject/myapp:v1.0.0
docker push harbor.lab/myproject/myapp:v1.0.0

docker login -u myusername -p mypassword nexus.lab:8082
docker tag myapp:latest nexus.lab:8082/myapp:v1.0.0
docker push nexus.lab:8082/myapp:v1.0.0

aws ecr describe-repositories --repository-names myapp --region eu-central-1 > /dev/null 2>&1 ||
  aws ecr create-repository --repository-name myapp --region eu-central-1
aws ecr put-image-tag-mutability --repository-name myapp --image-tag-mutability MUTABLE --region eu-central-1
docker tag myapp:latest $ecr/myapp:v1.0.0
docker push $ecr/myapp:v1.0.0

az acr login -n myregistry
docker tag myapp:latest myregistry.azurecr.io/myapp:v1.0.0
docker push myregistry.azurecr.io/myapp:v1.0.0

gcloud artifacts repositories describe my-repository --location=europe-west1 > /dev/null 2>&1 ||
  gcloud artifacts repositories create my-repository --repository-format=docker --location=europe-west1
docker tag myapp:latest $google/my-project/my-repository/myapp:v1.0.0
docker push $google/my-project/my-repository/myapp:v1.0.0
TYPED

# Twelve hours later: the token has expired.
labkit expire ecr
labkit shell workstation <<TYPED
docker push $ecr/myapp:v1.0.0
aws ecr get-login-password --region eu-central-1 | docker login --username AWS --password-stdin $ecr
TYPED

# A tag that nobody moves.
labkit shell workstation <<TYPED
aws ecr put-image-tag-mutability --repository-name myapp --image-tag-mutability IMMUTABLE --region eu-central-1
docker pull busybox
docker tag busybox $ecr/myapp:v1.0.0
docker push $ecr/myapp:v1.0.0
true
TYPED

labkit answer 11-registries runs=baaaccc signs-in=ddddcba exists=eeadbec tags=aebcada cleaned=fdbcage limits=cdbeagf teams=deaf \
  reflection="The shop takes Amazon ECR: its machines sign in with the roles that they have in AWS anyway, nobody runs a server, and a \
lifecycle policy cleans up. Harbor comes second. It has projects and quotas, but somebody would have to run it, and it knows no AWS roles."
