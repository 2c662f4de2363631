# expect: pushed=pipeline-too-long tested=blocked released=blocked deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
TEST='tail -f /dev/null'
pipeline
