# diagnosis: tag-none
docker image ls
