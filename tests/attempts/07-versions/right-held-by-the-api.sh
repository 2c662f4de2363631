# expect: all passed
# by Docker Hub's own API, as a script outside of the lab does it
out
back
roll --image "$(digest v1.1.0)"
moves latest
on workstation <<'END'
hub=https://hub.docker.com/v2
token=$(curl -s -H 'Content-Type: application/json' -d '{"username": "myusername", "password": "mypassword"}' $hub/users/login | jq -r .token)
curl -s -X PATCH -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
  -d '{"immutable_tags": true}' $hub/namespaces/myusername/repositories/myapp/immutabletags
END
again
answers07
