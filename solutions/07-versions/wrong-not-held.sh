# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=passed by_digest=passed refused=immutable-off quiz=passed
out
back
again
roll --image "$(digest v1.1.0)"
moves latest
answers07
