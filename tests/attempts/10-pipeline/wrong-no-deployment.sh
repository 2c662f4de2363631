# expect: pushed=passed tested=passed released=passed deployed=pipeline-no-service repeatable=blocked rolled_back=blocked secret=passed later_wins=blocked
STEPS='BUILD TEST SIGN_IN PUSH'
pipeline
