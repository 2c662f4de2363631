# expect: pushed=pipeline-run-failed tested=blocked released=blocked deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
BUILD='docker build -t $IMAGE:$GITHUB_SHA ./app'
pipeline
