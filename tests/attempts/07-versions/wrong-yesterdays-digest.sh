# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=tag-moved-unseen by_digest=digest-other refused=immutable-off quiz=quiz-open
# the version moved after it was deployed
out
back
roll --image "$(digest v1.1.0)"
again
