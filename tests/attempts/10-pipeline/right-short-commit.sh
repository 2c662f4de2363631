# expect: all passed
PUSH="$PUSH"'
docker tag $IMAGE:$GITHUB_SHA $IMAGE:${GITHUB_SHA:0:7}
docker push -q $IMAGE:${GITHUB_SHA:0:7}'
PUSH="${PUSH/'docker push -q $IMAGE:$GITHUB_SHA
'/}"
pipeline
