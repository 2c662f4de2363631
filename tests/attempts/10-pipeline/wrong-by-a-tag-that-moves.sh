# expect: pushed=passed tested=passed released=passed deployed=pipeline-by-tag repeatable=blocked rolled_back=blocked secret=passed later_wins=blocked
PUSH="$PUSH"'
docker tag $IMAGE:$GITHUB_SHA $IMAGE:stable
docker push -q $IMAGE:stable'
DEPLOY='docker service update --detach --force --no-resolve-image --update-parallelism 0 --image $IMAGE:stable shop || docker service create --detach --no-resolve-image --name shop --replicas 3 $IMAGE:stable'
STEPS='BUILD TEST SIGN_IN PUSH DEPLOY'
pipeline
