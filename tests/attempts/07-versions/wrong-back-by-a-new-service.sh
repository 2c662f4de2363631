# expect: released=passed labelled=passed rolled_out=version-not-out rolled_back=blocked moved=tag-not-moved by_digest=digest-not-deployed refused=immutable-not-met quiz=quiz-open
# the service was removed: what it ran before is forgotten
out
docker service rm myapp
create --name myapp --replicas 3 myusername/myapp:v1.0.0
wait_for running replicas myapp 3/3
