# expect: released=passed labelled=passed rolled_out=task-crashing rolled_back=blocked moved=tag-not-moved by_digest=digest-behind-a-tag refused=immutable-not-met quiz=quiz-open
# runs just now, and will end again
running --restart-delay 100ms
edit && release
docker service update --detach --image myusername/myapp:v1.1.0 --args 'sh -c "sleep 12; exit 1"' myapp
ended() { [ "$(docker service ps myapp --filter desired-state=shutdown --format '{{.Error}}' | grep -c non-zero)" -ge 6 ]; }
wait_for 'second end of each' ended
wait_for 'all run' replicas myapp 3/3
