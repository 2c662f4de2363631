# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=passed by_digest=passed refused=immutable-not-met quiz=passed
# refused, too, but for another reason
out
back
roll --image "$(digest v1.1.0)"
moves latest
docker logout
again
answers07
