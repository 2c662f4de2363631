# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=tag-not-moved by_digest=passed refused=passed quiz=passed
# two digests under one tag, and yet one image: it was only packed in another way
out
back
roll --image "$(digest v1.1.0)"
for machine in worker1 worker2; do
  on workstation <<END
skopeo copy --format $([ $machine = worker1 ] && echo oci || echo v2s2) --dest-creds myusername:mypassword docker://docker.io/myusername/myapp:v1.0.0 docker://docker.io/myusername/myapp:latest
END
  docker --context $machine pull myusername/myapp:latest
done
held
answers07
