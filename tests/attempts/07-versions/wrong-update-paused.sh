# expect: released=passed labelled=passed rolled_out=service-paused rolled_back=blocked moved=tag-not-moved by_digest=digest-behind-a-tag refused=immutable-not-met quiz=quiz-open
running
edit && release
docker service update --detach --image myusername/myapp:v1.1.0 --args 'sh -c "exit 3"' --update-monitor 5s myapp
wait_for paused updated myapp paused
