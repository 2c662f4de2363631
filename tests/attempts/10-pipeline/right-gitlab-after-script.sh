# expect: all passed
# what comes after the job knows how it ended
SMOKE='touch deployed
sh smoke.sh shop $(cat VERSION)'
JOB='  resource_group: deploy
  after_script:
    - if [ -e deployed ] && [ "$CI_JOB_STATUS" = failed ]; then docker service rollback --detach shop; fi'
gitlab
