# expect: all passed
# a task's image is in use as well
by_hand; retention
login && changed myusername/old:v1.0.0 && docker push -q myusername/old:v1.0.0
docker --context worker1 pull -q myusername/old:v1.0.0
create --name keeper --mode global busybox sleep infinity
runs() { docker --context worker1 ps -q | grep -q .; }
wait_for "a task on worker1" runs
docker --context worker1 image prune -a --force; try
