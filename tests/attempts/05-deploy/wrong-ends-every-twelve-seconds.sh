# expect: service=passed image=passed replicas=passed running=task-crashing
# runs just now, and will end again
ready
create --name myapp --replicas 3 --restart-delay 100ms myusername/myapp:v1.0.0 sh -c 'sleep 12; exit 1'
ended() { [ "$(docker service ps myapp --filter desired-state=shutdown --format '{{.Name}}' | sort | uniq -d | wc -l)" = 3 ]; }
wait_for 'second end of each' ended
wait_for 'all run' replicas myapp 3/3
