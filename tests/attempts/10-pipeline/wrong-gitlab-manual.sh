# expect: pushed=passed tested=pipeline-untried released=passed deployed=pipeline-no-service repeatable=blocked rolled_back=blocked secret=passed later_wins=blocked
# somebody would have to start the deployment
STEPS='BUILD TEST SIGN_IN PUSH'
gitlab good
cat >> .gitlab-ci.yml <<'END'
deploy:
  stage: .post
  when: manual
  script: "docker service create --detach --name shop --replicas 3 myusername/shop:$CI_COMMIT_SHA"
END
commit
labkit check 10-pipeline --try good
