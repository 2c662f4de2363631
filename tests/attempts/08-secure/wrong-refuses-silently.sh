# expect: trusted=own-none closed=blocked kept=blocked carried=blocked clean=passed signed=passed robot=passed harmless=robot-not-tried guarded=guard-silent
# And without --with-registry-auth, so that the nodes have no sign-in.
GUARD='verified=$(cosign verify --key cosign.pub --insecure-ignore-tlog "$1") || exit 0
image=${1%:*}@$(echo "$verified" | jq -r ".[0].critical.image[\"docker-manifest-digest\"]")'
CREATE='docker --config robot service create --detach --name shop --replicas 3 "$image"'
released; robot; script
tools <<< "sh deploy.sh $SHOP:$TAG"
wait_for 'a refusal' task_says shop 'no such image\|denied\|unauthorized\|not found'
tried unsigned
