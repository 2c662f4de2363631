# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-again-services rolled_back=pipeline-untried secret=passed later_wins=pipeline-untried
DEPLOY="$DEPLOY"'
docker service create --detach --name copy-$(docker service ls -q | wc -l) --mode replicated-job $DIGEST true'
pipeline again
