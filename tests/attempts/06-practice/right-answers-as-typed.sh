# expect: all passed
# letters as people write them
built
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
labkit answer 06-practice 'ci=b)' 'version= C ' automation=A. reflection="$reflection"
wait_for running replicas webapp 3/3
