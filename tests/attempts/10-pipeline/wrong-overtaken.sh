# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-untried rolled_back=pipeline-untried secret=passed later_wins=pipeline-earlier-won
# without a group
HEAD=''
STEPS='BUILD TEST SIGN_IN PUSH DEPLOY'
pipeline later
