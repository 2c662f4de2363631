# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=passed deployed=service-paused quiz=passed reflection=passed
# the page of before the update still answers, on two of the tasks
built
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
wait_for running replicas webapp 3/3
docker service update --detach --args "false" webapp
wait_for paused updated webapp paused
