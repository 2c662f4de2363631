# expect: pushed=passed tested=pipeline-pushed-untested released=passed deployed=passed repeatable=pipeline-untried rolled_back=pipeline-untried secret=passed later_wins=pipeline-untried
TEST="$TEST || true"
pipeline failing
