# expect: all passed
# one task on each of the three nodes
ready
create --name myapp --mode global "${at_once[@]}" myusername/myapp:v1.0.0
wait_for running replicas myapp 3/3
edit && release
roll --image myusername/myapp:v1.1.0
back
roll --image "$(digest v1.1.0)"
moves latest
held
answers07
