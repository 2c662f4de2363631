# expect: all passed
# v1.1.0 is built on v1.0.0, and the way back is by its digest
running
printf 'FROM myusername/myapp:v1.0.0\nRUN echo "<p>newer</p>" >> /www/index.html\nLABEL org.opencontainers.image.version=v1.1.0\n' > Dockerfile
release
roll --image myusername/myapp:v1.1.0
roll --image "$(digest v1.0.0)"
roll --image "$(digest v1.1.0)"
moves latest
held
answers07
