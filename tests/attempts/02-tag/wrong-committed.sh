# expect: tagged=passed same-image=tag-other-image
docker run --name once myapp touch /x
docker commit once myusername/myapp:v1.0.0
