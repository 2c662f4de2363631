# expect: all passed
# one task on each node
DEPLOY='docker service update --detach --image $DIGEST shop || docker service create --detach --name shop --mode global $DIGEST'
pipeline
