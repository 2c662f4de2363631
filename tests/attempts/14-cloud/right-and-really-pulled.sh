# expect: all passed
# what the lesson shows, for real
ecr=123456789012.dkr.ecr.eu-central-1.amazonaws.com
on workstation <<END || exit 1
set -e
aws ecr create-repository --repository-name myapp > /dev/null
aws ecr get-login-password | docker login --username AWS --password-stdin $ecr
docker tag myapp $ecr/myapp:v1.0.0
docker push -q $ecr/myapp:v1.0.0
docker image inspect --format '{{index .RepoDigests 0}}' $ecr/myapp:v1.0.0 > /tmp/name
END
name=$(on workstation <<< 'cat /tmp/name')
asks() { printf '%s\n' "export AWS_EC2_METADATA_SERVICE_ENDPOINT=http://metadata/ AWS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt" \
  "export AWS_DEFAULT_REGION=eu-central-1" "set -e -o pipefail" \
  "aws ecr get-login-password | docker login --username AWS --password-stdin $ecr" "docker pull $name"; }
asks | on worker1 || exit 1   # it has a role
asks | on worker2 && exit 1   # it has none
labkit answer 14-cloud identity=cab digest=b password=c address=b
