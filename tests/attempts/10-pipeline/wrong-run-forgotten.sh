# expect: pushed=pipeline-no-run tested=blocked released=blocked deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
workflow > .github/workflows/pipeline.yml
commit
on ci <<< 'rm /srv/app/runs/*.json'
labkit check 10-pipeline
