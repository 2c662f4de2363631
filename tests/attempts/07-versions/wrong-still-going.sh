# expect: released=passed labelled=passed rolled_out=converging rolled_back=blocked moved=tag-not-moved by_digest=digest-behind-a-tag refused=immutable-not-met quiz=quiz-open
running --update-parallelism 1
edit && release
docker service update --detach --image myusername/myapp:v1.1.0 --update-delay 60s myapp
one() { docker service ps myapp --filter desired-state=running --format '{{.Image}} {{.CurrentState}}' | grep -q 'v1.1.0 Running'; }
wait_for 'the first' one
