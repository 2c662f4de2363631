# expect: pushed=pipeline-run-failed tested=blocked released=blocked deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
# a file of one job is not there in the next
STEPS='BUILD TEST SIGN_IN PUSH' PUSH="$PUSH"'
echo "$DIGEST" > digest'
gitlab
cat >> .gitlab-ci.yml <<'END'
deploy:
  stage: .post
  script: [docker service create --detach --name shop --replicas 3 $(cat digest)]
END
commit
labkit check 10-pipeline
