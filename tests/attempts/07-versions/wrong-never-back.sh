# expect: released=passed labelled=passed rolled_out=passed rolled_back=version-not-back moved=passed by_digest=passed refused=passed quiz=passed
out
roll --image "$(digest v1.1.0)"
moves latest
held
answers07
