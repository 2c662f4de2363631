# expect: released=passed labelled=passed rolled_out=version-given-up rolled_back=blocked moved=tag-not-moved by_digest=digest-not-deployed refused=immutable-not-met quiz=quiz-open
# the new version fails, and the Swarm goes back
running
edit && release
docker service update --detach --image myusername/myapp:v1.1.0 --args 'sh -c "exit 3"' --update-monitor 5s --update-failure-action rollback myapp
wait_for 'rolled back' updated myapp rollback_completed
wait_for running replicas myapp 3/3
