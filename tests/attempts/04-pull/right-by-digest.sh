# expect: all passed
ready
docker pull myusername/myapp@$(docker image inspect myusername/myapp:v1.0.0 --format '{{index .RepoDigests 0}}' | cut -d@ -f2)
