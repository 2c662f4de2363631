# expect: all passed
BUILD='docker buildx build --load --label commit=$GITHUB_SHA -t $IMAGE:$GITHUB_SHA .'
pipeline
