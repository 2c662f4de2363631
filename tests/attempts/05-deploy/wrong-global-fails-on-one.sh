# expect: service=passed image=passed replicas=passed running=task-failed
# one on each machine, and one machine lacks what is mounted
ready
for one in workstation worker1; do on $one <<< 'mkdir -p /only'; done
create --name myapp --mode global --mount type=bind,source=/only,target=/x myusername/myapp:v1.0.0
wait_for rejected task_says myapp 'invalid mount'
on workstation <<< 'rmdir /only'; on worker1 <<< 'rmdir /only'
