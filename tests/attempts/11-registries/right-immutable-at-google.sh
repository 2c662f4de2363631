# expect: all passed
seven
expired
on workstation <<END
gcloud artifacts repositories update my-repository --location=europe-west1 --immutable-tags
docker pull -q busybox
skopeo copy --authfile ~/.docker/config.json docker://docker.io/library/busybox:latest docker://$google/my-project/my-repository/myapp:v1.0.0
END
table reflection="$why"
