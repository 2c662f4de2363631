# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-untried rolled_back=pipeline-untried secret=passed later_wins=pipeline-earlier-won
JOB='  interruptible: false'
STEPS='BUILD TEST SIGN_IN PUSH DEPLOY'
gitlab later
