# expect: all passed
# the rollback is an update to what ran before
DEPLOY='echo BEFORE=$(docker service inspect --format "{{.Spec.TaskTemplate.ContainerSpec.Image}}" shop) >> $GITHUB_ENV
docker service update --detach --update-parallelism 0 --image $DIGEST shop || docker service create --detach --name shop --replicas 3 $DIGEST'
SMOKE='sh smoke.sh shop $(cat VERSION) || { docker service update --detach --image $BEFORE shop; exit 1; }'
pipeline
