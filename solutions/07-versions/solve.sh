repository=myusername/myapp
digest() { docker image inspect "$1" --format '{{range .RepoDigests}}{{println .}}{{end}}' | grep -m1 "^$repository@"; }
labkit immutable $repository --off
docker login -u myusername -p mypassword
sed -i 's/v1.0.0/v1.1.0/' Dockerfile
grep -q 'opening hours' index.html || echo '<p>New: opening hours</p>' >> index.html
docker build -t $repository:v1.1.0 .
docker push $repository:v1.1.0
case $(docker service inspect myapp --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}') in
  "$(digest $repository:v1.1.0)") ;;  # solved before
  *)
    docker service update --quiet --image $repository:v1.1.0 myapp
    docker service rollback --quiet myapp
    docker service update --quiet --image "$(digest $repository:v1.1.0)" myapp ;;
esac
docker tag $repository:v1.0.0 $repository:latest && docker push $repository:latest
docker --context worker1 pull $repository:latest
docker tag $repository:v1.1.0 $repository:latest && docker push $repository:latest
docker --context worker2 pull $repository:latest
labkit immutable $repository --on
printf 'FROM %s:v1.1.0\nRUN echo "<p>And more</p>" >> /www/index.html\n' $repository | docker build -t $repository:next -
docker tag $repository:next $repository:v1.1.0
docker push $repository:v1.1.0  # refused
docker build -t $repository:v1.1.0 .
labkit answer 07-versions numbers=bca update=b name=c
