# expect: released=passed labelled=passed rolled_out=version-given-up rolled_back=blocked moved=tag-not-moved by_digest=digest-not-deployed refused=immutable-not-met quiz=quiz-open
# all three ran the new version for some seconds, again and again, and then the old one
running --restart-delay 100ms
edit && release
docker service update --detach --image myusername/myapp:v1.1.0 --args 'sh -c "sleep 3; exit 1"' myapp
ended() { [ "$(docker service ps myapp --filter desired-state=shutdown --format '{{.Error}}' | grep -c non-zero)" -ge 6 ]; }
wait_for 'second end of each' ended
back
wait_for running replicas myapp 3/3
