# expect: all passed
# an index of one image, as buildx and CI push it
ready
docker push myusername/myapp:v1.0.0
on workstation <<'END'
docker login -u myusername -p mypassword
docker buildx imagetools create -t myusername/myapp:v1.0.0 --append myusername/myapp:v1.0.0 --annotation index:a=b
END
docker --context worker1 pull myusername/myapp:v1.0.0
