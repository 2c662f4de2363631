# expect: pushed=passed tested=passed released=pipeline-good-failed deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
DEPLOY='docker service create --detach --name shop --replicas 3 $DIGEST'
pipeline
