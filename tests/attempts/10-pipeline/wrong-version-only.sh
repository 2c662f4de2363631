# expect: pushed=passed tested=passed released=pipeline-no-commit deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
PUSH='docker tag $IMAGE:$GITHUB_SHA $IMAGE:$(cat VERSION)
docker push -q $IMAGE:$(cat VERSION)
echo DIGEST=$(docker image inspect --format "{{range .RepoDigests}}{{println .}}{{end}}" $IMAGE:$GITHUB_SHA | grep ^$IMAGE@) >> $GITHUB_ENV'
pipeline failing
