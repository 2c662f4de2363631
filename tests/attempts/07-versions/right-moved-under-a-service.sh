# expect: all passed
# no pull by hand: a service of its own is updated to latest again, after it moved
out
back
roll --image "$(digest v1.1.0)"
docker tag myusername/myapp:v1.0.0 myusername/myapp:latest && docker push myusername/myapp:latest
create --name preview myusername/myapp:latest
wait_for running replicas preview 1/1
docker tag myusername/myapp:v1.1.0 myusername/myapp:latest && docker push myusername/myapp:latest
docker service update --detach --image myusername/myapp:latest preview
new() { docker service inspect preview --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}' | grep -q "$(digest v1.1.0 | cut -d@ -f2)" && replicas preview 1/1; }
wait_for 'the new one' new
held
answers07
