# expect: pushed=passed tested=passed released=pipeline-no-version deployed=blocked repeatable=blocked rolled_back=blocked secret=blocked later_wins=blocked
PUSH="${PUSH//'$(cat VERSION)'/v1.0.0}"
pipeline
