# expect: all passed
# Docker Hub by an access token
at to_harbor to_ecr to_artifact private harbor nexus ecr acr artifact
on workstation <<'END'
hub=https://hub.docker.com/v2
jwt=$(curl -s -H 'Content-Type: application/json' -d '{"username": "myusername", "password": "mypassword"}' $hub/users/login | jq -r .token)
curl -s -H "Authorization: Bearer $jwt" -H 'Content-Type: application/json' -d '{"token_label": "lab", "scopes": ["repo:write"]}' $hub/access-tokens |
  jq -r .token | docker login -u myusername --password-stdin
docker tag myapp:latest myusername/myapp:v1.0.0
docker push myusername/myapp:v1.0.0
END
expired
at fixed moved
table reflection="$why"
