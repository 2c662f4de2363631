# expect: all passed
# the Swarm looks the tag's digest up; nobody moves a commit's tag
DEPLOY='docker service update --detach --update-parallelism 0 --image $IMAGE:$GITHUB_SHA shop || docker service create --detach --name shop --replicas 3 $IMAGE:$GITHUB_SHA'
pipeline
