# expect: pushed=pipeline-not-pushed tested=blocked released=blocked deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
sh connect.sh
git add .
git commit --quiet -m first
labkit check 10-pipeline
