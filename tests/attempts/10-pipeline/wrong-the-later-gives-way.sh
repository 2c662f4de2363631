# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-untried rolled_back=pipeline-untried secret=passed later_wins=pipeline-later-lost
# instead of waiting, a run ends where another one goes on
HEAD=''
ALL="mkdir /tmp/shop-runs
trap 'rmdir /tmp/shop-runs' EXIT
$BUILD
$TEST
$SIGN_IN
$PUSH
. \$GITHUB_ENV
$DEPLOY
$SMOKE"
STEPS=ALL
pipeline later
