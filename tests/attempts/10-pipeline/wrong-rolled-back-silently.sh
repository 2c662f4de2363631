# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-untried rolled_back=pipeline-rolled-silently secret=passed later_wins=pipeline-untried
SMOKE='sh smoke.sh shop $(cat VERSION) || docker service rollback --detach shop'
pipeline rotten
