# expect: all passed
# the old version is named, not asked for with rollback: the same is there afterwards
out
roll --image myusername/myapp:v1.0.0
roll --image "$(digest v1.1.0)"
moves latest
held
answers07
