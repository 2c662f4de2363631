# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=passed by_digest=passed refused=immutable-other-tag quiz=passed
out
back
roll --image "$(digest v1.1.0)"
moves latest
labkit immutable myusername/myapp --on
again latest
answers07
