# expect: pulled=pull-other-tag present=blocked
# by the digest that the tag had before it was pushed again
ready
old=$(docker image inspect --format '{{index .RepoDigests 0}}' myusername/myapp:v1.0.0)
changed myusername/myapp:v1.0.0
push
docker --context worker1 pull "$old"
