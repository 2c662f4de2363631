# diagnosis: pull-none
docker image ls
