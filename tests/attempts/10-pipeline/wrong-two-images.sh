# expect: pushed=passed tested=passed released=pipeline-two-images deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
PUSH="${PUSH/'docker tag $IMAGE:$GITHUB_SHA $IMAGE:$(cat VERSION)'/'docker build --label release=yes -t $IMAGE:$(cat VERSION) .'}"
pipeline
