# expect: all passed
# Google's registry by the key file of a service account
at to_harbor to_ecr to_artifact hub private harbor nexus ecr acr
at place
on workstation <<END
gcloud iam service-accounts keys create key.json --iam-account=builder@my-project.iam.gserviceaccount.com
cat key.json | docker login -u _json_key --password-stdin https://$google
docker tag myapp:latest $google/my-project/my-repository/myapp:v1.0.0
docker push $google/my-project/my-repository/myapp:v1.0.0
rm key.json
END
expired
at fixed moved
table reflection="$why"
