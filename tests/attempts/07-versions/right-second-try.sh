# expect: all passed
# first only a name more for the old image, and a roll-out that changes nothing
running
docker tag myusername/myapp:v1.0.0 myusername/myapp:v1.1.0
docker push myusername/myapp:v1.1.0
roll --image myusername/myapp:v1.1.0
roll --image myusername/myapp:v1.0.0
edit && release
roll --image myusername/myapp:v1.1.0
back
roll --image "$(digest v1.1.0)"
moves latest
held
answers07
