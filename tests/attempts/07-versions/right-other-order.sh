# expect: all passed
# everything about tags and digests first, the roll-out last
running
edit && release
moves latest
held
answers07
roll --image myusername/myapp:v1.1.0
back
docker pull --quiet myusername/myapp:v1.1.0
roll --image "$(digest v1.1.0)"
