# expect: all passed
# an image index for several platforms
login
docker tag myapp myusername/myapp:amd64
docker push myusername/myapp:amd64
tag
on workstation <<'END'
docker login -u myusername -p mypassword
docker manifest create myusername/myapp:v1.0.0 myusername/myapp:amd64
docker manifest push myusername/myapp:v1.0.0
END
