# expect: pushed=passed tested=passed released=passed deployed=pipeline-other-digest repeatable=blocked rolled_back=blocked secret=passed later_wins=blocked
# never updated
DEPLOY='docker service inspect shop > /dev/null || docker service create --detach --name shop --replicas 3 $DIGEST'
STEPS='BUILD TEST SIGN_IN PUSH DEPLOY'
pipeline
