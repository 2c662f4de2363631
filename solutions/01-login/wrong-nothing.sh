# diagnosis: login-none
docker image ls
