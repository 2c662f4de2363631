# expect: released=passed labelled=passed rolled_out=version-made-anew rolled_back=blocked moved=tag-not-moved by_digest=digest-behind-a-tag refused=immutable-not-met quiz=quiz-open
# removed and created again, instead of updated
running
edit && release
docker service rm myapp
create --name myapp --replicas 3 myusername/myapp:v1.1.0
wait_for running replicas myapp 3/3
