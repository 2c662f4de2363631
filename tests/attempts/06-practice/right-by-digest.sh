# expect: all passed
built
docker push myusername/webapp:v1.0.0
whole=$(docker image inspect myusername/webapp:v1.0.0 --format '{{index .RepoDigests 0}}')
docker --context worker1 pull $whole
create --name webapp --replicas 3 $whole
answers
