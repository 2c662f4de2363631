# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-untried rolled_back=pipeline-smoke-ignored secret=passed later_wins=pipeline-untried
STEPS='BUILD TEST SIGN_IN PUSH DEPLOY'
pipeline rotten
