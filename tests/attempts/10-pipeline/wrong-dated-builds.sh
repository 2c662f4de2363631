# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-again-moved rolled_back=pipeline-untried secret=passed later_wins=pipeline-untried
BUILD='docker build --label built=$(date +%s%N) -t $IMAGE:$GITHUB_SHA .'
pipeline again
