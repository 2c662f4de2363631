# expect: tagged=passed same_image=tag-other-image
docker run --name once myapp touch /x
docker commit once myusername/myapp:v1.0.0
