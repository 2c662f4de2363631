# expect: all passed
# new tasks start before old ones end, all three together
running --update-order start-first
edit && release
roll --image myusername/myapp:v1.1.0
back
roll --image "$(digest v1.1.0)"
moves latest
held
answers07
