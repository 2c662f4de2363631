# expect: pushed=passed tested=pipeline-untried released=passed deployed=passed repeatable=pipeline-untried rolled_back=pipeline-untried secret=pipeline-secret-in-log later_wins=pipeline-untried
# the runner masks the password itself, and nothing else
SIGN_IN="$SIGN_IN"'
echo "$PASSWORD" "$PASSWORD" | rev'
gitlab good
