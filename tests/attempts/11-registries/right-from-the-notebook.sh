# expect: all passed
# docker in the notebook, and not on the workstation
at to_harbor to_ecr to_artifact harbor acr artifact
at repository
docker login -u myusername -p mypassword
docker login -u myusername -p mypassword registry.lab:5000
docker login -u myusername -p mypassword nexus.lab:8082
echo 'aws ecr get-login-password --region eu-central-1' | on workstation | docker login --username AWS --password-stdin $ecr
for name in myusername/myapp registry.lab:5000/myusername/myapp nexus.lab:8082/myapp $ecr/myapp; do
  docker tag myapp:latest $name:v1.0.0
  docker push $name:v1.0.0
done
expired
at fixed moved
table reflection="$why"
