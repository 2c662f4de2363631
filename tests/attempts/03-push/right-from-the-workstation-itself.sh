# expect: all passed
on workstation <<'END'
docker login -u myusername -p mypassword
docker tag myapp myusername/myapp:v1.0.0
docker push myusername/myapp:v1.0.0
END
