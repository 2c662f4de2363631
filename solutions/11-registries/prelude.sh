# For exercise 11: what its lesson prints, typed on the workstation. at REGISTRY…: makes what must be there, signs in, and pushes $app.
at() { for one; do "typed_$one"; done | on workstation; }
typed_pushed() { printf 'docker tag %s %s; docker push %s\n' "${app:-myapp:latest}" "$1" "$1"; }
typed_signed() { printf 'docker login -u myusername -p mypassword %s\n' "${1:-}"; }
typed_hub() { typed_signed; typed_pushed myusername/myapp:v1.0.0; }
typed_private() { typed_signed registry.lab:5000; typed_pushed registry.lab:5000/myusername/myapp:v1.0.0; }
typed_project() {
  printf 'curl -sS -u myusername:mypassword -H "Content-Type: application/json" -d "{\\"project_name\\": \\"%s\\"}" %s\n' \
    "${1:-myproject}" https://harbor.lab/api/v2.0/projects
}
typed_to_harbor() { typed_signed harbor.lab; typed_pushed harbor.lab/myproject/myapp:v1.0.0; }
typed_again_harbor() { typed_pushed harbor.lab/myproject/myapp:v1.0.0; }
typed_harbor() { typed_project; typed_to_harbor; }
typed_nexus() { typed_signed nexus.lab:8082; typed_pushed nexus.lab:8082/myapp:v1.0.0; }
ecr=123456789012.dkr.ecr.eu-central-1.amazonaws.com
typed_token() { printf 'aws ecr get-login-password --region eu-central-1 | docker login --username AWS --password-stdin %s\n' $ecr; }
typed_repository() { printf 'aws ecr create-repository --repository-name %s --region eu-central-1\n' "${1:-myapp}"; }
typed_to_ecr() { typed_token; typed_pushed $ecr/myapp:v1.0.0; }
typed_ecr() { typed_repository; typed_to_ecr; }
typed_fixed() { printf 'aws ecr put-image-tag-mutability --repository-name myapp --image-tag-mutability IMMUTABLE --region eu-central-1\n'; }
typed_moved() { printf 'docker pull -q busybox\n'; app=busybox typed_pushed $ecr/myapp:v1.0.0; }
typed_acr() { printf 'az acr login -n myregistry\n'; typed_pushed myregistry.azurecr.io/myapp:v1.0.0; }
google=europe-west1-docker.pkg.dev
typed_google() { printf 'gcloud auth print-access-token | docker login -u oauth2accesstoken --password-stdin https://%s\n' $google; }
typed_to_artifact() { typed_google; typed_pushed $google/my-project/my-repository/myapp:v1.0.0; }
typed_again_artifact() { typed_pushed $google/my-project/my-repository/myapp:v1.0.0; }
typed_place() { printf 'gcloud artifacts repositories create my-repository --repository-format=docker --location=europe-west1\n'; }
typed_artifact() { typed_place; typed_to_artifact; }
# The refusals first. Each aws takes a second of work, so none is typed twice.
seven() { at to_harbor to_ecr to_artifact hub private project again_harbor nexus repository again acr place again_artifact; }
typed_again() { typed_pushed $ecr/myapp:v1.0.0; }
expired() { labkit expire ecr; at again token; }
table() { labkit answer 11-registries runs=baaaccc signs-in=ddddcba exists=eeadbec tags=aebcada cleaned=fdbcage limits=cdbeagf teams=deaf "$@"; }
why="The hospital takes Harbor, because no image may leave its network and each department gets a project with rights and a quota \
of its own. Nexus comes second: it runs there too, but it has no quota for each department, and one port for each repository."
registries() { seven; expired; at fixed moved; table reflection="$why"; }  # exercise 11, done
