# diagnosis: service-none
docker node ls
