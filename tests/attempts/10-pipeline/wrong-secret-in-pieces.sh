# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-untried rolled_back=pipeline-untried secret=pipeline-secret-in-log later_wins=pipeline-untried
SIGN_IN="$SIGN_IN"'
echo "$PASSWORD" | fold -w 5'
pipeline good
