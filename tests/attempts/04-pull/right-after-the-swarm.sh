# expect: all passed
# the machine has the image already: the pull says "up to date", and gives it the tag
ready
create --name before --mode global myusername/myapp:v1.0.0
wait_for running replicas before 3/3
docker --context worker1 pull myusername/myapp:v1.0.0
