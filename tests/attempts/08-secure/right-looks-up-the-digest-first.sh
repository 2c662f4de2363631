# expect: all passed
GUARD='digest=$(docker buildx imagetools inspect --format "{{json .Manifest}}" "$1" | jq -r .digest)
image=${1%:*}@$digest
cosign verify --key cosign.pub --insecure-ignore-tlog "$image" > /dev/null 2>&1 || exit 3'
secured
