# expect: pushed=passed tested=pipeline-test-ignored released=passed deployed=passed repeatable=pipeline-untried rolled_back=pipeline-untried secret=passed later_wins=pipeline-untried
# nothing is pushed after a failed test, but nobody hears of it
TEST='sh test.sh $IMAGE:$GITHUB_SHA || { echo SKIP=1 >> $GITHUB_ENV; exit 0; }'
PUSH="[ -z \"\$SKIP\" ] || exit 0
$PUSH"
DEPLOY="[ -z \"\$SKIP\" ] || exit 0
$DEPLOY"
SMOKE="[ -n \"\$SKIP\" ] || $SMOKE"
pipeline failing
