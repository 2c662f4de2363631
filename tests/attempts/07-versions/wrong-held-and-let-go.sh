# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=passed by_digest=digest-other refused=immutable-let-go quiz=passed
# refused once, then switched off and moved all the same
out
back
roll --image "$(digest v1.1.0)"
moves latest
held
labkit immutable myusername/myapp --off
again
answers07
