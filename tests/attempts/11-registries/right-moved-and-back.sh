# expect: all passed
# a tag that was moved, and came back before it was fixed
seven
at moved to_ecr
expired
at fixed moved
table reflection="$why"
