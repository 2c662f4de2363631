# expect: all passed
keys() { tools <<< 'export COSIGN_PASSWORD=correct-horse; cosign generate-key-pair 2> /dev/null'; }
sign() { tools <<< "export COSIGN_PASSWORD=correct-horse; docker image inspect --format '{{index .RepoDigests 0}}' $SHOP:$TAG | xargs cosign sign --yes --tlog-upload=false --key cosign.key -a commit=abc 2> /dev/null"; }
secured
