# expect: pushed=pipeline-only tested=blocked released=blocked deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
JOB='  resource_group: deploy
  only: [main]'
gitlab
