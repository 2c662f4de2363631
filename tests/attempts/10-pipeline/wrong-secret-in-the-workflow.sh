# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-untried rolled_back=pipeline-untried secret=pipeline-secret-in-files later_wins=pipeline-untried
SIGN_IN='docker login -u myusername -p mypassword'
pipeline good
