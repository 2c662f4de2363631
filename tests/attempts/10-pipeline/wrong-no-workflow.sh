# expect: pushed=pipeline-no-workflow tested=blocked released=blocked deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
rm -r .github
commit
