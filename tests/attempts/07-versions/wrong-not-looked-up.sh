# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=tag-not-moved by_digest=digest-behind-a-tag refused=immutable-not-met quiz=quiz-open
# without a digest: each node looks the tag up when it pulls
out
back
roll --no-resolve-image --image myusername/myapp:v1.1.0
