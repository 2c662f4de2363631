# expect: all passed
# the tag is moved in the registry itself, by a tool that is no docker
out
back
roll --image "$(digest v1.1.0)"
for step in v1.0.0:worker1 v1.1.0:worker2; do
  on workstation <<END
skopeo copy --dest-creds myusername:mypassword docker://docker.io/myusername/myapp:${step%:*} docker://docker.io/myusername/myapp:latest
END
  docker --context ${step#*:} run --rm myusername/myapp true
done
held
answers07
