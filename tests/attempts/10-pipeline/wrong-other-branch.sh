# expect: pushed=pipeline-other-branch tested=blocked released=blocked deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
workflow > .github/workflows/pipeline.yml
commit first master
labkit check 10-pipeline
