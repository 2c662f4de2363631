# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=tag-not-moved by_digest=digest-other refused=immutable-not-met quiz=quiz-open
out
back
roll --image "$(digest v1.0.0)"
