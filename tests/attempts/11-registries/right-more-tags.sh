# expect: all passed
# other tags and other images beside it change nothing
seven
on workstation <<'END'
docker tag myapp:latest myusername/myapp:stable
docker push myusername/myapp:stable
docker pull -q busybox
docker tag busybox registry.lab:5000/myusername/other:v1.0.0
docker push registry.lab:5000/myusername/other:v1.0.0
END
expired
at fixed moved
table reflection="$why"
