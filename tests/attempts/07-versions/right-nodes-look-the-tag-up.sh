# expect: all passed
# nobody pulls latest: two services leave it to their nodes to look the tag up
out
back
roll --image "$(digest v1.1.0)"
for step in v1.0.0:worker1 v1.1.0:worker2; do
  docker tag myusername/myapp:${step%:*} myusername/myapp:latest && docker push myusername/myapp:latest
  create --no-resolve-image --name on-${step#*:} --constraint node.hostname==${step#*:} myusername/myapp:latest
  wait_for running replicas on-${step#*:} 1/1
done
held
answers07
