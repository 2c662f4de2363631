# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=tag-not-moved by_digest=passed refused=passed quiz=passed
# two images under two tags: nothing moved
out
back
roll --image "$(digest v1.1.0)"
docker --context worker1 pull myusername/myapp:v1.0.0
docker --context worker2 pull myusername/myapp:v1.1.0
held
answers07
