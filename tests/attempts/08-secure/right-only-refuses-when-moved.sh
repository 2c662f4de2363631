# expect: all passed
# It looks again after the verification, and deploys nothing if the tag has been moved.
GUARD='digest() { docker buildx imagetools inspect --format "{{json .Manifest}}" "$1" | jq -r .digest; }
first=$(digest "$1")
cosign verify --key cosign.pub --insecure-ignore-tlog "$1" > /dev/null 2>&1 || exit 1
[ "$first" = "$(digest "$1")" ] || exit 1
image=${1%:*}@$first'
secured
