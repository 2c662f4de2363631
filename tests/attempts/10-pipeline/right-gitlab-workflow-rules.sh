# expect: all passed
# pipelines for main only; the script's words are shared by a template
rm -r .github
cat > .gitlab-ci.yml <<'END'
workflow:
  rules:
    - if: $CI_COMMIT_TAG
      when: never
    - if: $CI_COMMIT_BRANCH =~ /^(main|release)$/
variables: {IMAGE: myusername/shop}
.docker:
  before_script:
    - image() { echo "$IMAGE:$CI_COMMIT_SHORT_SHA"; }
test:
  extends: .docker
  script:
    - docker build -t $(image) .
    - sh test.sh $(image)
release:
  extends: .docker
  stage: deploy
  resource_group: $CI_COMMIT_REF_NAME
  script:
    - docker login -u "$REGISTRY_USER" --password-stdin <<< "$REGISTRY_PASSWORD"
    - docker tag $(image) $IMAGE:$(cat VERSION)
    - docker push -q $(image)
    - docker push -q $IMAGE:$(cat VERSION)
    - digest=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' $(image) | grep "^$IMAGE@")
    - docker service update --detach --update-parallelism 0 --image $digest shop || docker service create --detach --name shop --replicas 3 $digest
    - |
      if ! sh smoke.sh shop $(cat VERSION)
      then docker service rollback --detach shop; exit 1
      fi
END
commit
labkit check 10-pipeline
