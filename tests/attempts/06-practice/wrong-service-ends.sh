# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=passed deployed=task-crashing quiz=passed reflection=passed
# no command in the Dockerfile: a shell without a terminal ends at once
login
printf 'FROM busybox\nCOPY index.html /www/index.html\n' > Dockerfile
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
wait_for complete task_says webapp complete
