# expect: all passed
# the label by an option of the build, the page with an editor
running
echo '<h1>Hello from the new myapp</h1>' > index.html
docker build --label org.opencontainers.image.version=v1.1.0 -t myusername/myapp:v1.1.0 .
docker push myusername/myapp:v1.1.0
roll --image myusername/myapp:v1.1.0
back
roll --image "$(digest v1.1.0)"
moves latest
held
answers07
