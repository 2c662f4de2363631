# expect: pushed=passed tested=passed released=passed deployed=pipeline-tasks repeatable=blocked rolled_back=blocked secret=passed later_wins=blocked
# two workers, and three tasks that want one each
DEPLOY='docker service update --detach --update-parallelism 0 --image $DIGEST shop || docker service create --detach --name shop --replicas 3 --replicas-max-per-node 1 --constraint node.role==worker $DIGEST'
STEPS='BUILD TEST SIGN_IN PUSH DEPLOY'
pipeline
