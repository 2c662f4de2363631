# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-untried rolled_back=pipeline-rolled-away secret=passed later_wins=pipeline-untried
SMOKE='sh smoke.sh shop $(cat VERSION) || { docker service rm shop; exit 1; }'
pipeline rotten
