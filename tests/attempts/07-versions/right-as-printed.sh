# expect: all passed
# (but for the delay, which is there to watch)
docker login -u myusername -p mypassword
docker tag myapp:latest myusername/myapp:v1.0.0 && docker push --quiet myusername/myapp:v1.0.0
docker service create --quiet --name myapp --replicas 3 myusername/myapp:v1.0.0
sed -i 's/v1.0.0/v1.1.0/' Dockerfile
echo '<p>New: opening hours</p>' >> index.html
docker build -t myusername/myapp:v1.1.0 .
docker push myusername/myapp:v1.1.0
docker service update --image myusername/myapp:v1.1.0 --update-delay 1s myapp
docker service rollback myapp
docker tag myusername/myapp:v1.0.0 myusername/myapp:latest
docker push myusername/myapp:latest
docker --context worker1 pull myusername/myapp:latest
docker tag myusername/myapp:v1.1.0 myusername/myapp:latest
docker push myusername/myapp:latest
docker --context worker2 pull myusername/myapp:latest
docker service update --image "$(docker image inspect myusername/myapp:v1.1.0 --format '{{index .RepoDigests 0}}')" myapp
labkit immutable myusername/myapp --on
echo '<p>One more</p>' >> index.html
docker build -t myusername/myapp:v1.1.0 .
docker push myusername/myapp:v1.1.0
labkit answer 07-versions numbers=bca update=b name=c
