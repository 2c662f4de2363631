# expect: all passed
# the new task starts before the old one ends
DEPLOY='docker service update --detach --update-order start-first --update-parallelism 0 --image $DIGEST shop || docker service create --detach --name shop --replicas 3 --update-order start-first $DIGEST'
pipeline
