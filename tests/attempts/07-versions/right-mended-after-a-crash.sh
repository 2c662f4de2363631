# expect: all passed
# the new version stops at once by a wrong command, the update pauses, and then it is put right; rollback would bring the wrong command back
running
edit && release
docker service update --detach --image myusername/myapp:v1.1.0 --args 'sh -c "exit 3"' --update-monitor 5s myapp
wait_for paused updated myapp paused
roll --update-monitor 100ms --args ''
roll --image myusername/myapp:v1.0.0
roll --image "$(digest v1.1.0)"
moves latest
held
answers07
