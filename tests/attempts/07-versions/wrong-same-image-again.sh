# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=passed by_digest=passed refused=immutable-not-met quiz=passed
# pushing the same image again moves nothing, so nothing is refused
out
back
roll --image "$(digest v1.1.0)"
moves latest
labkit immutable myusername/myapp --on
docker push myusername/myapp:v1.1.0
answers07
