# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-again-failed rolled_back=pipeline-untried secret=passed later_wins=pipeline-untried
PUSH="docker buildx imagetools inspect \$IMAGE:\$(cat VERSION) > /dev/null 2>&1 && exit 1
$PUSH"
pipeline again
