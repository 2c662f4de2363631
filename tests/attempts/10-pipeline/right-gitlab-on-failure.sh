# expect: all passed
# the rollback is a job of its own, for failures; the deployment says whether there is something to roll back
rm -r .github
cat > .gitlab-ci.yml <<'END'
variables: {IMAGE: myusername/shop}
made:
  stage: build
  script:
    - docker build -t $IMAGE:$CI_COMMIT_SHA .
    - sh test.sh $IMAGE:$CI_COMMIT_SHA
    - echo "$REGISTRY_PASSWORD" | docker login -u "$REGISTRY_USER" --password-stdin
    - docker tag $IMAGE:$CI_COMMIT_SHA $IMAGE:$(cat VERSION)
    - docker push -q $IMAGE:$CI_COMMIT_SHA && docker push -q $IMAGE:$(cat VERSION)
    - docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' $IMAGE:$CI_COMMIT_SHA | grep "^$IMAGE@" > digest
  artifacts: {paths: [digest]}
shop:
  stage: deploy
  needs: [made]
  resource_group: production
  script:
    - docker service update --detach --update-parallelism 0 --image $(cat digest) shop || docker service create --detach --name shop --replicas 3 $(cat digest)
    - touch deployed
    - sh smoke.sh shop $(cat VERSION)
  artifacts: {paths: [deployed], when: on_failure}
back:
  stage: .post
  when: on_failure
  script: "test ! -e deployed || docker service rollback --detach shop"
END
commit
labkit check 10-pipeline
