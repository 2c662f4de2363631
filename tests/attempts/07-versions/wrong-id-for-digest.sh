# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=tag-not-moved by_digest=digest-other refused=immutable-not-met quiz=quiz-open
# the ID of the image on this machine is no name in a registry
out
back
docker service update --detach --image "myusername/myapp@$(docker image inspect myusername/myapp:v1.1.0 --format '{{.Id}}')" myapp
