# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-untried rolled_back=pipeline-not-rolled-back secret=passed later_wins=pipeline-untried
SMOKE='sh smoke.sh shop $(cat VERSION) || { docker service rollback shop; docker service rollback shop; exit 1; }'
pipeline rotten
