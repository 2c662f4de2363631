# expect: all passed
# a job for each stage; the digest goes from one to the next in a report
rm -r .github
cat > .gitlab-ci.yml <<'END'
stages: [build, test, push, deploy, smoke]
variables:
  IMAGE: $REGISTRY_USER/shop
  TESTED: $IMAGE:$CI_COMMIT_SHA
default:
  interruptible: false
build:
  stage: build
  script: docker build -t $TESTED .
test:
  stage: test
  script: [sh test.sh $TESTED]
push:
  stage: push
  before_script:
    - docker login -u "$REGISTRY_USER" --password-stdin <<< "$REGISTRY_PASSWORD"
  script:
    - VERSION=$(cat VERSION)
    - docker tag $TESTED $IMAGE:$VERSION
    - docker push -q $TESTED
    - docker push -q $IMAGE:$VERSION
    - echo "DIGEST=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' $TESTED | grep "^$IMAGE@")" > release.env
  artifacts: {reports: {dotenv: release.env}}
.main:
  resource_group: shop
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $CI_PIPELINE_SOURCE == "push"
deploy:
  extends: .main
  stage: deploy
  script: |
    if docker service inspect shop > /dev/null 2>&1
    then docker service update --detach --update-parallelism 0 --rollback-parallelism 0 --image $DIGEST shop
    else docker service create --detach --name shop --replicas 3 $DIGEST
    fi
smoke:
  extends: .main
  stage: smoke
  script:
    - sh smoke.sh shop $(cat VERSION) || { docker service rollback --detach shop; exit 1; }
END
commit
labkit check 10-pipeline
