# expect: all passed
# the workflow has one step; what it does is a script beside the app
{ printf 'set -eu\nIMAGE=myusername/shop\nGITHUB_ENV=/dev/null\n'; for step in BUILD TEST SIGN_IN PUSH; do echo "${!step}"; done; echo 'DIGEST=$(docker image inspect --format "{{range .RepoDigests}}{{println .}}{{end}}" $IMAGE:$GITHUB_SHA | grep ^$IMAGE@)'; echo "$DEPLOY"; echo "$SMOKE"; } | sed 's/${{ vars.REGISTRY_USER }}/$REGISTRY_USER/' > pipeline.sh
ALL='REGISTRY_USER=${{ vars.REGISTRY_USER }} sh pipeline.sh'
STEPS=ALL
pipeline
