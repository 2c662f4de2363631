# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-untried rolled_back=pipeline-rolled-elsewhere secret=passed later_wins=pipeline-untried
SMOKE='sh smoke.sh shop $(cat VERSION) || { docker service update --detach --image $IMAGE:v1.0.0 shop; exit 1; }'
pipeline rotten
