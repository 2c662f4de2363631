# expect: service=passed image=passed replicas=passed running=service-paused
ready
create --name myapp --replicas 3 myusername/myapp:v1.0.0
wait_for running replicas myapp 3/3
docker service update --detach --update-failure-action pause --update-monitor 5s --args 'sh -c "exit 1"' myapp
wait_for paused updated myapp paused
