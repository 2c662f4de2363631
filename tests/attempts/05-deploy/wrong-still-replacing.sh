# expect: service=passed image=passed replicas=passed running=converging
# ran for a while before it ended; the Swarm is making another one
ready
create --name myapp --replicas 3 --restart-delay 120s myusername/myapp:v1.0.0 sh -c 'sleep 11; exit 1'
wait_for failed task_says myapp 'non-zero exit'
