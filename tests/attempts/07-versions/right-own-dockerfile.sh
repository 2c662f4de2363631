# expect: all passed
# built on the sample, with a page made by the build, and the version without its v
running
printf 'FROM myapp\nRUN echo "<h1>new</h1>" > /www/index.html\nLABEL org.opencontainers.image.version=1.1.0\n' > Dockerfile
release
roll --image myusername/myapp:v1.1.0
back
roll --image "$(digest v1.1.0)"
moves latest
held
answers07
