# expect: all passed
# the sign-in does not outlive the push
PUSH="$PUSH"'
docker logout'
pipeline
