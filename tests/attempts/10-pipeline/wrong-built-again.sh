# expect: pushed=passed tested=passed released=pipeline-built-again deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
# without the cache, and with a label that says when
PUSH="docker build --no-cache --label built=\$(date +%s%N) -t \$IMAGE:\$GITHUB_SHA .
$PUSH"
pipeline failing
