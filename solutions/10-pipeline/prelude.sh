# 10-pipeline: a workflow of these steps in one job. An attempt says a step anew before it calls `pipeline`.
mkdir -p .github/workflows
BUILD='docker build -t $IMAGE:$GITHUB_SHA .'
TEST='sh test.sh $IMAGE:$GITHUB_SHA'
SIGN_IN='echo "$PASSWORD" | docker login -u ${{ vars.REGISTRY_USER }} --password-stdin'
PUSH='docker tag $IMAGE:$GITHUB_SHA $IMAGE:$(cat VERSION)
docker push -q $IMAGE:$GITHUB_SHA
docker push -q $IMAGE:$(cat VERSION)
echo DIGEST=$(docker image inspect --format "{{range .RepoDigests}}{{println .}}{{end}}" $IMAGE:$GITHUB_SHA | grep ^$IMAGE@) >> $GITHUB_ENV'
DEPLOY='if docker service inspect shop > /dev/null 2>&1
then docker service update --detach --update-parallelism 0 --rollback-parallelism 0 --image $DIGEST shop
else docker service create --detach --name shop --replicas 3 $DIGEST; fi'
SMOKE='sh smoke.sh shop $(cat VERSION) || { docker service rollback --detach shop; exit 1; }'
STEPS='BUILD TEST SIGN_IN PUSH DEPLOY SMOKE' HEAD='concurrency: deploy'
workflow() {
  printf 'name: pipeline\non: push\n%s\nenv: {IMAGE: myusername/shop}\njobs:\n  pipeline:\n    runs-on: ubuntu-latest\n' "$HEAD"
  printf '    env: {PASSWORD: "${{ secrets.REGISTRY_PASSWORD }}"}\n    steps:\n      - uses: actions/checkout@v4\n'
  for step in $STEPS; do
    printf '      - name: %s\n        run: |\n' "$step"
    sed 's/^/          /' <<< "${!step}"
  done
}
commit() { sh connect.sh && git add . && git commit --quiet --allow-empty -m "${1:-The whole pipeline}" && git push --quiet origin "HEAD:${2:-main}"; }
pipeline() { # pipeline [KIND…]: writes it, pushes it, and has it tried, or these parts only
  workflow > .github/workflows/pipeline.yml; commit; labkit check 10-pipeline $(printf -- ' --try %s' "$@" | sed 's/ --try $//')
}
gitlab() { # gitlab [KIND…]: the same in GitLab's form, as one job with JOB's lines
  rm -rf .github
  {
    printf 'variables: {IMAGE: myusername/shop}\npipeline:\n  stage: deploy\n%s\n  script:\n' "${JOB-  resource_group: deploy}"
    for step in $STEPS; do
      printf '    - |\n'
      sed 's/^/      /' <<< "${!step}"
    done
  } | sed -e 's/GITHUB_SHA/CI_COMMIT_SHA/g; s/\${{ vars.REGISTRY_USER }}/$REGISTRY_USER/g; s/\$PASSWORD/$REGISTRY_PASSWORD/g' \
    -e 's/echo \(DIGEST=.*\) >> \$GITHUB_ENV/\1/' > .gitlab-ci.yml
  commit; labkit check 10-pipeline $(printf -- ' --try %s' "$@" | sed 's/ --try $//')
}
