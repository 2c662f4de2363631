# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=tag-moved-unseen by_digest=passed refused=passed quiz=passed
out
back
roll --image "$(digest v1.1.0)"
for version in v1.0.0 v1.1.0; do
  docker tag myusername/myapp:$version myusername/myapp:latest && docker push myusername/myapp:latest
done
docker --context worker1 pull myusername/myapp:latest
docker --context worker2 pull myusername/myapp:latest
held
answers07
