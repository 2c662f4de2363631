# expect: released=passed labelled=passed rolled_out=version-given-up rolled_back=blocked moved=tag-not-moved by_digest=digest-not-deployed refused=immutable-not-met quiz=quiz-open
# one task of three had the new version
running --update-delay 60s --update-parallelism 1
edit && release
docker service update --detach --image myusername/myapp:v1.1.0 myapp
one() { docker service ps myapp --filter desired-state=running --format '{{.Image}} {{.CurrentState}}' | grep -q 'v1.1.0 Running'; }
wait_for 'the first' one
back
