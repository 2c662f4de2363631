# expect: all passed
tools <<'END'
docker run -d --name registry -p 5000:5000 registry:2
docker tag myapp workstation:5000/myapp
docker push workstation:5000/myapp
END
own; released
GUARD='' UPDATE=${UPDATE/\$image/\$1} CREATE=${CREATE/\$image/\$1} script
robot; deploy; leak
GUARD='verified=$(cosign verify --key cosign.pub --insecure-ignore-tlog "$1") || exit 1
image=${1%:*}@$(echo "$verified" | jq -r ".[0].critical.image[\"docker-manifest-digest\"]")' script
tried
