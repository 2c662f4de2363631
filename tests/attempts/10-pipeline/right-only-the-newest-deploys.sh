# expect: all passed
# without a group: an earlier run finds that it is not the newest any more
HEAD=''
DEPLOY='newest=$(git ls-remote origin main | cut -f1)
[ "$newest" = "$GITHUB_SHA" ] || { echo OLD=1 >> $GITHUB_ENV; exit 0; }
docker service update --detach --update-parallelism 0 --image $DIGEST shop || docker service create --detach --name shop --replicas 3 $DIGEST'
SMOKE='[ -n "$OLD" ] || sh smoke.sh shop $(cat VERSION) || { docker service rollback --detach shop; exit 1; }'
pipeline
