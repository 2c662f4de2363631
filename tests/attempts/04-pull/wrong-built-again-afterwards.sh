# expect: pulled=passed present=pull-outdated
# the machine that pulled has what the registry has now, but by its own build
ready
docker pull myusername/myapp:v1.0.0
changed myusername/myapp:v1.0.0
push
