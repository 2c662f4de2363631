# expect: all passed
# Harbor by a project's robot
at to_harbor to_ecr to_artifact hub private nexus ecr acr artifact
at project
on workstation <<'END'
curl -sS -u myusername:mypassword -H 'Content-Type: application/json' https://harbor.lab/api/v2.0/robots -d '{"name": "ci", "level": "project",
  "duration": -1, "permissions": [{"kind": "project", "namespace": "myproject", "access": [
  {"resource": "repository", "action": "pull"}, {"resource": "repository", "action": "push"}]}]}' > robot.json
jq -r .secret robot.json | docker login -u 'robot$myproject+ci' --password-stdin harbor.lab
docker tag myapp:latest harbor.lab/myproject/myapp:v1.0.0
docker push harbor.lab/myproject/myapp:v1.0.0
rm robot.json
END
expired
at fixed moved
table reflection="$why"
