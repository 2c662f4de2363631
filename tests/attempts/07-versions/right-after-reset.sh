# expect: all passed
running
edit && release
moves latest
held
labkit reset 07-versions
docker tag myapp myusername/myapp:v1.0.0
push
create --name myapp --replicas 3 "${at_once[@]}" myusername/myapp:v1.0.0
wait_for running replicas myapp 3/3
docker build -t myusername/myapp:v1.1.0 . && docker push myusername/myapp:v1.1.0
roll --image myusername/myapp:v1.1.0
back
roll --image "$(digest v1.1.0)"
moves latest
held
answers07
