# expect: service=passed image=passed replicas=passed running=task-crashing
# killed from inside, again and again: no accident
ready
create --name myapp --replicas 3 --restart-delay 1s myusername/myapp:v1.0.0 sh -c 'trap "" TERM; sh -c "kill -9 $PPID"; exit 137'
twice() { [ "$(docker service ps myapp --filter desired-state=shutdown --format '{{.Name}}' | sort | uniq -d | wc -l)" = 3 ]; }
wait_for 'second failure' twice
