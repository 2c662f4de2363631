# diagnosis: push-none
docker image ls
