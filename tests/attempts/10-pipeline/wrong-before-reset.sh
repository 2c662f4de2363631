# expect: pushed=pipeline-not-pushed tested=blocked released=blocked deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
pipeline good
labkit reset 10-pipeline
